/* One pixel, four channels.
 *
 * r0 r1     high sums of pair 0 and pair 1
 * r2 r3     their low sums
 * r4-r7     inputs
 * r8-r11    weights: pair 0 and pair 1 for one word of inputs, then for the next
 * r12 lr    where to read weights and inputs
 */
#ifndef MIDGE_ARMV7EM_PAIRS_ROW_H
#define MIDGE_ARMV7EM_PAIRS_ROW_H

#include "pairs_loops.h"

/* Two words of inputs, x and y. 13 instructions. */
#define MIDGE_PAIRS_ROW_WORDS(x, y, h0, h1) \
  "ldm r12!, {r8-r11}\n"                    \
  "smlad r0, r8, " x ", " h0 "\n"           \
  "smlad r1, r9, " x ", " h1 "\n"           \
  "smlad r0, r10, " y ", r0\n"              \
  "smlad r1, r11, " y ", r1\n"              \
  "sxtb16 r8, r8\n"                         \
  "sxtb16 r9, r9\n"                         \
  "sxtb16 r10, r10\n"                       \
  "sxtb16 r11, r11\n"                       \
  "smlad r2, r8, " x ", r2\n"               \
  "smlad r3, r9, " x ", r3\n"               \
  "smlad r2, r10, " y ", r2\n"              \
  "smlad r3, r11, " y ", r3\n"

/* Eight inputs; the high sums start from h0 and h1. 108 bytes of code. */
#define MIDGE_PAIRS_ROW_UNIT(h0, h1)        \
  "ldm lr!, {r4-r7}\n"                      \
  MIDGE_PAIRS_ROW_WORDS("r4", "r5", h0, h1) \
  MIDGE_PAIRS_ROW_WORDS("r6", "r7", "r0", "r1")

/* One channel: scale, round, add the zero point. r11 is the zero point. */
#define MIDGE_PAIRS_ROW_MULTIPLY(sum, factor, power, correct) \
  "smmlar " sum ", " sum ", " factor ", " sum "\n"            \
  correct(sum)                                                \
  "smmlar " sum ", " sum ", " power ", r11\n"

/* The same with a shift, of at least 1. r11 is twice the zero point and 1. */
#define MIDGE_PAIRS_ROW_SHIFT(sum, factor, shift, correct) \
  "smmlar " sum ", " sum ", " factor ", " sum "\n"         \
  correct(sum)                                             \
  "lsl " factor ", r11, " shift "\n"                       \
  "add " sum ", " sum ", " factor ", asr #1\n"             \
  "asr " sum ", " sum ", " shift "\n"

/* Clamps and stores it. r10 points to the output. */
#define MIDGE_PAIRS_ROW_FINISH(sum, factor, shift, scale, correct, clamp) \
  scale(sum, factor, shift, correct)                                      \
  clamp(sum, factor, shift)                                               \
  "strb " sum ", [r10], #1\n"

/* The body of a naked function that takes a midge_pairs_job. `unrolled` is a string. */
#define MIDGE_PAIRS_ROW(unrolled, rounding, scale, correct, clamp)                    \
  MIDGE_PAIRS_ENTER(unrolled, 108, rounding)                                \
  "mov lr, r1\n"                                           \
  "mov r12, r9\n"                                          \
  "0:\n"                                                   \
  "ldm r12!, {r2, r3}\n"                                   \
  MIDGE_PAIRS_ROW_UNIT("r2", "r3")                         \
  "ldr.w pc, [sp]\n"                                       \
  ".balign 4\n"                                            \
  "1:\n"                                                   \
  ".rept " unrolled "\n"                                              \
  MIDGE_PAIRS_ROW_UNIT("r0", "r1")                         \
  ".endr\n"                                                \
  "ldr r4, [sp, #8]\n"                                     \
  "cmp lr, r4\n"                                           \
  "bne.w 1b\n"                                             \
  "2:\n"                                                   \
  "sub r0, r0, r2\n"                                       \
  "sub r1, r1, r3\n"                                       \
  "ldm r12!, {r4-r9}\n"                                    \
  "add r0, r4, r0, asr #8\n"                               \
  "add r1, r5, r1, asr #8\n"                               \
  "ldr r10, [sp, #12]\n"                                   \
  "ldr r11, [sp, #24]\n"                                   \
  "ldr lr, [sp, #4]\n"                                     \
  "ldr r4, [sp, #20]\n"                                    \
  MIDGE_PAIRS_ROW_FINISH("r2", "r6", "r7", scale, correct, clamp) \
  MIDGE_PAIRS_ROW_FINISH("r0", "r8", "r9", scale, correct, clamp) \
  "ldm r12!, {r6-r9}\n"                                    \
  MIDGE_PAIRS_ROW_FINISH("r3", "r6", "r7", scale, correct, clamp) \
  MIDGE_PAIRS_ROW_FINISH("r1", "r8", "r9", scale, correct, clamp) \
  "str r10, [sp, #12]\n"                                   \
  "cmp r12, r4\n"                                          \
  "bne.w 0b\n"                                             \
  MIDGE_PAIRS_LEAVE

#endif
