/* Products of 64 bits: SMLAL adds to two sums. Multiplying words of 24-bit fields takes no longer than two MLA. */
#include <stddef.h>

#include "joined.h"

/* Naked functions find their arguments in registers. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* The offsets that the loop below uses. */
typedef char midge_check_job[offsetof(midge_joined_job, gap) == 8 && offsetof(midge_joined_job, words) == 20 &&
                                     offsetof(midge_joined_job, groups) == 32
                                 ? 1
                                 : -1];

int32_t *midge_joined_expand_s8(const int8_t *weights, int32_t depth, int32_t *words) {
  const int32_t *end = words + 2 * depth;

  do {
    words[0] = weights[0] + weights[1] * (1 << 24);
    words[1] = weights[2] + weights[3] * (1 << 24);
    words += 2;
    weights += 4;
  } while (words != end);
  return words;
}

/* r0 to r7: the four sums. r8, r9: the pixels. r10: the words. r11, r12: two words. lr: an input.
 * On the stack: the end
 * of the run's words, job, runs left, length. */
__attribute__((naked)) void midge_joined_dot_s8(midge_joined_job *job) {
  __asm__ volatile(
      ".syntax unified\n"
      ".macro midge_element\n"
      "ldrsb lr, [r8], #1\n"
      "ldmia r10!, {r11, r12}\n"
      "smlal r0, r1, lr, r11\n"
      "smlal r2, r3, lr, r12\n"
      "ldrsb lr, [r9], #1\n"
      "smlal r4, r5, lr, r11\n"
      "smlal r6, r7, lr, r12\n"
      ".endm\n"
      ".macro midge_sums low, high, target, offset\n"
      "sbfx r8, \\low, #0, #24\n"
      "lsr r9, \\low, #24\n"
      "orr r9, r9, \\high, lsl #8\n"
      "add r9, r9, r8, lsr #31\n"
      "strd r8, r9, [\\target, #\\offset]\n"
      ".endm\n"
      "push {r4-r11, lr}\n"
      "ldrd r11, r12, [r0, #12]\n" /* runs, length */
      "ldr r10, [r0, #20]\n"
      "push {r0, r11, r12}\n"
      "sub sp, sp, #4\n"
      "mov lr, r0\n"
      "1:\n" /* next group */
      "ldrd r8, r9, [lr]\n"
      "movs r0, #0\n"
      "movs r1, #0\n"
      "movs r2, #0\n"
      "movs r3, #0\n"
      "movs r4, #0\n"
      "movs r5, #0\n"
      "movs r6, #0\n"
      "movs r7, #0\n"
      "2:\n" /* next run */
      "ldr lr, [sp, #12]\n"
      "add r11, r10, lr, lsl #3\n"
      "str r11, [sp]\n"
      "tst lr, #1\n"
      "beq 3f\n"
      "midge_element\n"
      "ldr lr, [sp, #12]\n"
      "3:\n"
      "tst lr, #2\n"
      "beq 4f\n"
      "midge_element\n"
      "midge_element\n"
      "4:\n"
      "ldr lr, [sp]\n"
      "cmp r10, lr\n"
      "beq 6f\n"
      "5:\n"
      "midge_element\n"
      "midge_element\n"
      "midge_element\n"
      "midge_element\n"
      "ldr lr, [sp]\n"
      "cmp r10, lr\n"
      "bne 5b\n"
      "6:\n"
      "ldr r11, [sp, #8]\n"
      "ldr lr, [sp, #4]\n"
      "subs r11, r11, #1\n"
      "beq 7f\n"
      "str r11, [sp, #8]\n"
      "ldr r11, [lr, #8]\n" /* gap */
      "add r8, r8, r11\n"
      "add r9, r9, r11\n"
      "b 2b\n"
      "7:\n"
      "ldrd r11, r12, [lr, #24]\n" /* sum, sum_step */
      "add r12, r12, r11\n"
      /* The low sum is the low 24 bits, signed; a negative one has borrowed from the high sum. */
      "midge_sums r0, r1, r11, 0\n"
      "midge_sums r2, r3, r11, 8\n"
      "midge_sums r4, r5, r12, 0\n"
      "midge_sums r6, r7, r12, 8\n"
      "adds r11, r11, #16\n"
      "str r11, [lr, #24]\n"
      "ldr r11, [lr, #12]\n"
      "str r11, [sp, #8]\n"
      "ldr r11, [lr, #32]\n"
      "subs r11, r11, #1\n"
      "str r11, [lr, #32]\n"
      "bne 1b\n"
      ".purgem midge_sums\n"
      ".purgem midge_element\n"
      "add sp, sp, #16\n"
      "pop {r4-r11, pc}\n");
}
