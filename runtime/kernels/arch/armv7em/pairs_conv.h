/* Two pixels, four channels: a 2 x 4 block of sums in eight registers.
 *
 * r0 r1 r2 r3   high sums of pair 0 for both pixels, of pair 1 for both pixels
 * r4 r5 r6 r7   their low sums
 * r8 r9         weights of pair 0 and of pair 1
 * r10 r11       inputs of pixel 0 and of pixel 1
 * r12 lr        where to read weights and inputs
 */
#ifndef MIDGE_ARMV7EM_PAIRS_CONV_H
#define MIDGE_ARMV7EM_PAIRS_CONV_H

#include "pairs_loops.h"

/* Loads one word of inputs and its weights: A the first of a pair of words, B the second. With LDM in two
 * instructions; with LDR in four, which take a cycle less, as long as none forms the address for the next one. */
#define MIDGE_PAIRS_LDM_A \
  "ldm lr!, {r10, r11}\n" \
  "ldm r12!, {r8, r9}\n"
#define MIDGE_PAIRS_LDM_B MIDGE_PAIRS_LDM_A
#define MIDGE_PAIRS_LDR_A  \
  "ldr r9, [r12, #4]\n"  \
  "ldr r8, [r12], #16\n" \
  "ldr r11, [lr, #4]\n"  \
  "ldr r10, [lr], #16\n"
#define MIDGE_PAIRS_LDR_B  \
  "ldr r8, [r12, #-8]\n" \
  "ldr r9, [r12, #-4]\n" \
  "ldr r10, [lr, #-8]\n" \
  "ldr r11, [lr, #-4]\n"

/* One word of inputs; the sums start from h0 to l3. 40 bytes of code and those of `load`: 8 for LDM, 16 for LDR. */
#define MIDGE_PAIRS_CONV_WORD(load, h0, h1, h2, h3, l0, l1, l2, l3) \
  load                                                              \
  "smlad r0, r8, r10, " h0 "\n"                                     \
  "smlad r1, r8, r11, " h1 "\n"                                     \
  "smlad r2, r9, r10, " h2 "\n"                                     \
  "smlad r3, r9, r11, " h3 "\n"                                     \
  "sxtb16 r8, r8\n"                                                 \
  "sxtb16 r9, r9\n"                                                 \
  "smlad r4, r8, r10, " l0 "\n"                                     \
  "smlad r5, r8, r11, " l1 "\n"                                     \
  "smlad r6, r9, r10, " l2 "\n"                                     \
  "smlad r7, r9, r11, " l3 "\n"

#define MIDGE_PAIRS_CONV_NEXT(load) MIDGE_PAIRS_CONV_WORD(load, "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7")

/* Both pixels of one channel: scale, round, add the zero point. lr is the zero point. */
#define MIDGE_PAIRS_CONV_MULTIPLY(a, b, factor, power, correct) \
  "smmlar " a ", " a ", " factor ", " a "\n"                    \
  "smmlar " b ", " b ", " factor ", " b "\n"                    \
  correct(a) correct(b)                                         \
  "smmlar " a ", " a ", " power ", lr\n"                        \
  "smmlar " b ", " b ", " power ", lr\n"

/* The same with a shift, of at least 1. lr is twice the zero point and 1. */
#define MIDGE_PAIRS_CONV_SHIFT(a, b, factor, shift, correct) \
  "smmlar " a ", " a ", " factor ", " a "\n"                 \
  "smmlar " b ", " b ", " factor ", " b "\n"                 \
  correct(a) correct(b)                                      \
  "lsl " factor ", lr, " shift "\n"                          \
  "add " a ", " a ", " factor ", asr #1\n"                   \
  "add " b ", " b ", " factor ", asr #1\n"                   \
  "asr " a ", " a ", " shift "\n"                            \
  "asr " b ", " b ", " shift "\n"

/* Clamps and stores them. r8 and r9 point to the outputs. */
#define MIDGE_PAIRS_CONV_FINISH(a, b, factor, shift, scale, correct, clamp) \
  scale(a, b, factor, shift, correct)                                       \
  clamp(a, factor, shift) clamp(b, factor, shift)                           \
  "strb " a ", [r8], #1\n"                                                  \
  "strb " b ", [r9], #1\n"

/* Widens the inputs of the next pair of pixels unless they are. Goes on at 7. */
#define MIDGE_PAIRS_CONV_WIDEN        \
  "3:\n"                              \
  "ldr r7, [sp, #56]\n"               \
  "cmp r7, #0\n"                      \
  "beq.w 7f\n"                        \
  "ldr r3, [sp, #4]\n"                \
  "ldr r0, [sp, #40]\n"               \
  "ldr r1, [sp, #44]\n"               \
  "ldr r4, [sp, #48]\n"               \
  "ldr r5, [sp, #52]\n"               \
  "ldr r6, [sp, #60]\n"               \
  "add r1, r0, r1\n"                  \
  "add r6, r0, r6\n"                  \
  "str r6, [sp, #40]\n"               \
  "8:\n"                              \
  "lsrs r2, r7, #1\n"                 \
  "bcc 4f\n"                          \
  MIDGE_PAIRS_WIDEN("r0", "r1", "r3") \
  "4:\n"                              \
  "cbz r2, 6f\n"                      \
  "5:\n"                              \
  MIDGE_PAIRS_WIDEN("r0", "r1", "r3") \
  MIDGE_PAIRS_WIDEN("r0", "r1", "r3") \
  "subs r2, r2, #1\n"                 \
  "bne 5b\n"                          \
  "6:\n"                              \
  "add r0, r0, r4\n"                  \
  "add r1, r1, r4\n"                  \
  "subs r5, r5, #1\n"                 \
  "bne 8b\n"

/* Goes back to 3 as long as there are pairs. r9 points behind the second pixel's last output. */
#define MIDGE_PAIRS_CONV_NEXT_PAIR \
  "ldr r0, [sp, #64]\n"            \
  "ldr r1, [sp, #68]\n"            \
  "subs r0, r0, #1\n"              \
  "str r0, [sp, #64]\n"            \
  "str r9, [sp, #12]\n"            \
  "add r9, r9, r1\n"               \
  "str r9, [sp, #16]\n"            \
  "bne.w 3b\n"

/* The body of a naked function that takes a midge_pairs_job. `load` is MIDGE_PAIRS_LDM or MIDGE_PAIRS_LDR; `unrolled`, a
 * string, how many pairs of words stand in a row, `bytes` bytes of code each. */
#define MIDGE_PAIRS_CONV(load, unrolled, bytes, rounding, scale, correct, clamp)  \
  MIDGE_PAIRS_ENTER(unrolled, bytes, rounding)                                    \
  MIDGE_PAIRS_CONV_WIDEN                                                          \
  "7:\n"                                                                          \
  "ldr r12, [sp, #36]\n"                                                          \
  "ldr lr, [sp, #4]\n"                                                            \
  "0:\n"                                                                          \
  "ldm r12!, {r5, r7}\n"                                                          \
  MIDGE_PAIRS_CONV_WORD(load##_A, "r5", "r5", "r7", "r7", "r5", "r5", "r7", "r7") \
  MIDGE_PAIRS_CONV_NEXT(load##_B)                                                 \
  "ldr.w pc, [sp]\n"                                                              \
  ".balign 4\n"                                                                   \
  "1:\n"                                                                          \
  ".rept " unrolled "\n"                                                          \
  MIDGE_PAIRS_CONV_NEXT(load##_A) MIDGE_PAIRS_CONV_NEXT(load##_B)                 \
  ".endr\n"                                                                       \
  "ldr r8, [sp, #8]\n"                                                            \
  "cmp lr, r8\n"                                                                  \
  "bne.w 1b\n"                                                                    \
  "2:\n"                                                                          \
  "sub r0, r0, r4\n"                                                              \
  "sub r1, r1, r5\n"                                                              \
  "sub r2, r2, r6\n"                                                              \
  "sub r3, r3, r7\n"                                                              \
  "ldm r12!, {r8-r11}\n"                                                          \
  "add r0, r8, r0, asr #8\n"                                                      \
  "add r1, r8, r1, asr #8\n"                                                      \
  "add r2, r9, r2, asr #8\n"                                                      \
  "add r3, r9, r3, asr #8\n"                                                      \
  "ldr r8, [sp, #12]\n"                                                           \
  "ldr r9, [sp, #16]\n"                                                           \
  "ldr lr, [sp, #24]\n"                                                           \
  MIDGE_PAIRS_CONV_FINISH("r4", "r5", "r10", "r11", scale, correct, clamp)        \
  "ldm r12!, {r4, r5, r10, r11}\n"                                                \
  MIDGE_PAIRS_CONV_FINISH("r0", "r1", "r4", "r5", scale, correct, clamp)          \
  MIDGE_PAIRS_CONV_FINISH("r6", "r7", "r10", "r11", scale, correct, clamp)        \
  "ldm r12!, {r4, r5}\n"                                                          \
  MIDGE_PAIRS_CONV_FINISH("r2", "r3", "r4", "r5", scale, correct, clamp)          \
  "str r8, [sp, #12]\n"                                                           \
  "str r9, [sp, #16]\n"                                                           \
  "ldr lr, [sp, #4]\n"                                                            \
  "ldr r8, [sp, #20]\n"                                                           \
  "cmp r12, r8\n"                                                                 \
  "bne.w 0b\n"                                                                    \
  MIDGE_PAIRS_CONV_NEXT_PAIR                                                      \
  MIDGE_PAIRS_LEAVE

#endif
