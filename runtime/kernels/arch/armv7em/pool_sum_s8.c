/* Four channels in the halves of two words: 255 pixels fit, then the halves are added to the sums.
 *
 * r0 r2   first pixel of a row, bytes between rows   r1 r3   rows left, columns      r4   bytes between pixels
 * r5      sums in memory                             r6 r7   halves: channels 0, 2 and 1, 3
 * r8      pixels that still fit                      r9      pixel     r10 columns left     r11 r12 lr inputs
 */
#include "inner_loops.h"

__attribute__((naked)) void midge_pool_sum4_s8(const int8_t *first, int32_t rows, int32_t row_stride, int32_t columns,
                                               int32_t column_stride, int32_t sum[4]) {
  __asm__ volatile(
      ".syntax unified\n"
      ".macro spill\n"
      "ldm r5, {r8, r11, r12, lr}\n"
      "sxtah r8, r8, r6\n"
      "sxtah r11, r11, r7\n"
      "add r12, r12, r6, asr #16\n"
      "add lr, lr, r7, asr #16\n"
      "stm r5, {r8, r11, r12, lr}\n"
      "mov r6, #0\n"
      "mov r7, #0\n"
      ".endm\n"
      "push {r4-r11, lr}\n"
      "ldrd r4, r5, [sp, #36]\n"
      "mov r6, #0\n"
      "mov r7, #0\n"
      "mov r8, #255\n"
      "1:\n"
      "mov r9, r0\n"
      "mov r10, r3\n"
      "add r0, r0, r2\n"
      "2:\n"
      "subs r8, r8, #2\n"
      "bge 3f\n"
      "spill\n"
      "mov r8, #253\n"
      "3:\n"
      "ldr r11, [r9]\n"
      "subs r10, r10, #2\n"
      "blt 4f\n"
      "ldr r12, [r9, r4]\n"
      "sxtab16 r6, r6, r11\n"
      "sxtab16 r7, r7, r11, ror #8\n"
      "add r9, r9, r4, lsl #1\n"
      "sxtab16 r6, r6, r12\n"
      "sxtab16 r7, r7, r12, ror #8\n"
      "bgt 2b\n"
      "b 5f\n"
      "4:\n"
      "sxtab16 r6, r6, r11\n"
      "sxtab16 r7, r7, r11, ror #8\n"
      "5:\n"
      "subs r1, r1, #1\n"
      "bne 1b\n"
      "spill\n"
      "pop {r4-r11, pc}\n"
      ".purgem spill\n");
}
