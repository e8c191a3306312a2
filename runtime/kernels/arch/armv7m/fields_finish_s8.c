#include "inner_loops.h"

/* Naked functions find their arguments in registers. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* The assembly below knows this layout. */
typedef char midge_fields_scale_is_six_words[sizeof(midge_fields_scale) == 24 ? 1 : -1];

/* The product has 64 bits; its lower word is rounded by a carry, and the carry brings the sum itself along.
 * r0: sums. r1: pixels left. r3: output. r4 to r9: multiplier, shift, rounding, minimum, maximum, stride. */
__attribute__((naked)) void midge_fields_finish_s8(const int32_t *sums, int32_t pixels, const midge_fields_scale *scale,
                                                   int8_t *output) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n"
      "ldmia r2, {r4-r9}\n"
      "sub r2, r8, r7\n"
      "cmp r2, #255\n"
      "bne 2f\n"
      "1:\n"
      "ldr r2, [r0], #4\n"
      "smull r10, r11, r2, r4\n"
      "adds r10, r10, #0x80000000\n"
      "adc r11, r11, r2\n"
      "add r11, r11, r11, asr #31\n"
      "add r11, r11, r6\n"
      "asr r11, r11, r5\n"
      "ssat r11, #8, r11\n"
      "strb r11, [r3]\n"
      "add r3, r3, r9\n"
      "subs r1, r1, #1\n"
      "bne 1b\n"
      "pop {r4-r11, pc}\n"
      "2:\n"
      "ldr r2, [r0], #4\n"
      "smull r10, r11, r2, r4\n"
      "adds r10, r10, #0x80000000\n"
      "adc r11, r11, r2\n"
      "add r11, r11, r11, asr #31\n"
      "add r11, r11, r6\n"
      "asr r11, r11, r5\n"
      "cmp r11, r7\n"
      "it lt\n"
      "movlt r11, r7\n"
      "cmp r11, r8\n"
      "it gt\n"
      "movgt r11, r8\n"
      "strb r11, [r3]\n"
      "add r3, r3, r9\n"
      "subs r1, r1, #1\n"
      "bne 2b\n"
      "pop {r4-r11, pc}\n");
}
