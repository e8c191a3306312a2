/* Products of 64 bits: SMLAL adds to two sums. Multiplying words of 24-bit fields takes no longer than two MLA. */
#include <stddef.h>

#include "joined.h"

/* The offsets that the loop below uses. */
typedef char midge_check_job[offsetof(midge_joined_job, gap) == 8 && offsetof(midge_joined_job, length) == 16 &&
                                     offsetof(midge_joined_job, words) == 20 && offsetof(midge_joined_job, sum) == 24
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
 * On the stack: job, runs left, end of the run's words. */
__attribute__((naked)) void midge_joined_dot_s8(__attribute__((unused)) midge_joined_job *job) {
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
      "push {r4-r11, lr}\n"
      "ldrd r8, r9, [r0]\n"
      "ldr r10, [r0, #20]\n"
      "ldrd r11, r12, [r0, #8]\n" /* gap, runs */
      "ldr lr, [r0, #16]\n"
      "push {r0, r12}\n"
      "push {r11, lr}\n" /* [sp]: gap, length, job, runs */
      "sub sp, sp, #8\n" /* [sp]: the end of the run's words, [sp, #8]: gap */
      "movs r0, #0\n"
      "movs r1, #0\n"
      "movs r2, #0\n"
      "movs r3, #0\n"
      "movs r4, #0\n"
      "movs r5, #0\n"
      "movs r6, #0\n"
      "movs r7, #0\n"
      "b 2f\n"
      "1:\n" /* next run */
      "ldr r11, [sp, #8]\n"
      "add r8, r8, r11\n"
      "add r9, r9, r11\n"
      "2:\n"
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
      "ldr r11, [sp, #20]\n"
      "subs r11, r11, #1\n"
      "str r11, [sp, #20]\n"
      "bne 1b\n"
      "ldr lr, [sp, #16]\n"
      "add sp, sp, #24\n"
      "str r10, [lr, #20]!\n" /* lr + 4 is now the sums' address */
      /* The low sum is the low 24 bits, signed; a negative one has borrowed from the high sum. */
      ".macro midge_part low, high\n"
      "sbfx r8, \\low, #0, #24\n"
      "lsr r9, \\low, #24\n"
      "orr r9, r9, \\high, lsl #8\n"
      "add r9, r9, r8, lsr #31\n"
      "strd r8, r9, [lr, #4]\n"
      "add lr, lr, #8\n"
      ".endm\n"
      "midge_part r0, r1\n"
      "midge_part r2, r3\n"
      "midge_part r4, r5\n"
      "midge_part r6, r7\n"
      ".purgem midge_part\n"
      ".purgem midge_element\n"
      "pop {r4-r11, pc}\n");
}
