/* SMLAW multiplies a word by a halfword and drops 16 bits: with a byte in the halfword's upper half it drops 8.
 *
 * r0 r1 r2   inputs and output      r3      quads left      r4   mask of the upper bytes of halfwords
 * r5 r6 r7   factors, offset        r8 r9   inputs          r10 to r12 sums and odd bytes
 */
#include <stddef.h>

#include "inner_loops.h"

typedef char midge_factors_follow_elements[offsetof(midge_weighted_sum_s8_params, factor1) == 4 &&
                                                   offsetof(midge_weighted_sum_s8_params, offset) == 12
                                               ? 1
                                               : -1];

__attribute__((naked)) void midge_weighted_sum_quads_s8(const midge_weighted_sum_s8_params *params,
                                                        const int8_t *input1, const int8_t *input2, int8_t *output,
                                                        int32_t quads) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n"
      "ldm r0, {r4-r7}\n"
      "mov r0, r1\n"
      "mov r1, r2\n"
      "mov r2, r3\n"
      "ldr r3, [sp, #36]\n"
      "mov r4, #0xff00ff00\n"
      "1:\n"
      "ldr r8, [r0], #4\n"
      "ldr r9, [r1], #4\n"
      "subs r3, r3, #1\n"
      "and r11, r4, r8\n"
      "and r8, r4, r8, lsl #8\n"
      "and r12, r4, r9\n"
      "and r9, r4, r9, lsl #8\n"
      "smlawb r10, r5, r8, r7\n"
      "smlawt r8, r5, r8, r7\n"
      "smlawb lr, r5, r11, r7\n"
      "smlawt r11, r5, r11, r7\n"
      "smlawb r10, r6, r9, r10\n"
      "smlawt r8, r6, r9, r8\n"
      "smlawb lr, r6, r12, lr\n"
      "smlawt r11, r6, r12, r11\n"
      "ssat r10, #8, r10, asr #21\n"
      "ssat r8, #8, r8, asr #21\n"
      "ssat lr, #8, lr, asr #21\n"
      "ssat r11, #8, r11, asr #21\n"
      "bfi r10, lr, #8, #8\n"
      "bfi r10, r8, #16, #8\n"
      "bfi r10, r11, #24, #8\n"
      "str r10, [r2], #4\n"
      "bne 1b\n"
      "pop {r4-r11, pc}\n");
}
