/* Products of 32 bits, two channels by two pixels, in the eight low registers. */
#include <stddef.h>

#include "joined.h"

/* Naked functions find their arguments in registers. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* The offsets that the loop below uses. */
typedef char midge_check_job[offsetof(midge_joined_job, gap) == 8 && offsetof(midge_joined_job, words) == 20 &&
                                     offsetof(midge_joined_job, groups) == 32
                                 ? 1
                                 : -1];

enum {
  ELEMENT = 16, /* bytes of code for one element */
  BEHIND = 26,  /* bytes from the last element's end to where the loop's jump counts from */
};

/* A header is what the loop jumps by: back over as many elements as there are, or 0 at the end of a run. */
int32_t midge_segments_expand_s8(const midge_conv_2d_segments_s8_params *params, const int8_t *weights, int32_t segment,
                                 int32_t **words) {
  const midge_window *window = &params->window;
  const int32_t length = window->filter_width * window->input_channels;
  int32_t *target = *words;

  for (int32_t run = 0; run < window->filter_height; ++run) {
    for (int32_t left = length; left > 0;) {
      const int32_t elements = midge_segment_length(params, segment++);
      *target++ = -(BEHIND + ELEMENT * elements);
      const int32_t *end = target + elements;
      do {
        *target++ = weights[0] + weights[1] * (1 << 16);
        weights += 2;
      } while (target != end);
      left -= elements;
    }
    *target++ = 0;
  }
  *words = target;
  return segment;
}

/* r0, r1: the pixels. r2: the element. r3: the words. r4: a word. r5: an input. r6, r7: sums of one segment, both
 * fields. r8 to r11: sums. r12: 2^15. On the stack: job, gap, runs left. */
__attribute__((naked)) void midge_segments_dot_s8(midge_joined_job *job) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r7, lr}\n"
      "mov r1, r8\n"
      "mov r2, r9\n"
      "mov r3, r10\n"
      "mov r4, r11\n"
      "push {r1-r4}\n"
      "ldr r3, [r0, #20]\n"
      "movs r4, #128\n"
      "lsls r4, r4, #8\n"
      "mov r12, r4\n"
      "sub sp, sp, #12\n"
      "4:\n" /* next group */
      "ldr r4, [r0, #8]\n"
      "ldr r5, [r0, #12]\n"
      "str r0, [sp]\n"
      "str r4, [sp, #4]\n"
      "str r5, [sp, #8]\n"
      "movs r2, #0\n"
      "mov r8, r2\n"
      "mov r9, r2\n"
      "mov r10, r2\n"
      "mov r11, r2\n"
      "ldr r1, [r0, #4]\n"
      "ldr r0, [r0]\n"
      "b 2f\n"
      "1:\n"
      ".rept 16\n"
      "ldmia r3!, {r4}\n"
      "ldrsb r5, [r0, r2]\n"
      "muls r5, r4, r5\n"
      "adds r6, r6, r5\n"
      "ldrsb r5, [r1, r2]\n"
      "muls r4, r5, r4\n"
      "adds r7, r7, r4\n"
      "adds r2, #1\n"
      ".endr\n"
      "uxth r4, r6\n"
      "add r8, r4\n"
      "asrs r6, r6, #16\n"
      "add r9, r6\n"
      "uxth r4, r7\n"
      "add r10, r4\n"
      "asrs r7, r7, #16\n"
      "add r11, r7\n"
      "2:\n"
      "mov r6, r12\n"
      "mov r7, r12\n"
      "ldmia r3!, {r4}\n"
      "add pc, r4\n"
      "nop\n"
      "ldr r4, [sp, #8]\n" /* a header of 0 leads here: the end of a run */
      "subs r4, #1\n"
      "beq 3f\n"
      "str r4, [sp, #8]\n"
      "ldr r4, [sp, #4]\n"
      "adds r2, r2, r4\n"
      "b 2b\n"
      "3:\n"
      "ldr r0, [sp]\n"
      "ldr r1, [r0, #24]\n" /* sum */
      "ldr r2, [r0, #28]\n" /* sum_step */
      "adds r2, r2, r1\n"
      "mov r4, r8\n"
      "mov r5, r9\n"
      "stmia r1!, {r4, r5}\n"
      "mov r4, r10\n"
      "mov r5, r11\n"
      "stmia r2!, {r4, r5}\n"
      "str r1, [r0, #24]\n"
      "ldr r1, [r0, #32]\n" /* groups */
      "subs r1, #1\n"
      "str r1, [r0, #32]\n"
      "beq 5f\n"
      "b 4b\n"
      "5:\n"
      "add sp, sp, #12\n"
      "pop {r1-r4}\n"
      "mov r8, r1\n"
      "mov r9, r2\n"
      "mov r10, r3\n"
      "mov r11, r4\n"
      "pop {r4-r7, pc}\n");
}
