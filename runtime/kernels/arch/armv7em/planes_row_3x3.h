/* One output row, two output columns at a time. Of the lower pair of pixel rows only the upper one counts.
 *
 * r0 r1          sums of the two columns       r2 r3 r9 r10   columns of a pair of pixel rows, then factors
 * r4 r5 r6       weights of the upper pair     r7 r8          of the lower one: columns 0 and 1, column 2 in the top half
 * r11            output                        r12 lr         the upper and the lower pair of pixel rows
 */
#ifndef MIDGE_ARMV7EM_PLANES_ROW_3X3_H
#define MIDGE_ARMV7EM_PLANES_ROW_3X3_H

#include "planes_loops.h"

/* The second output begins with column b0. `load` loads four columns and moves on by a block, `fifth` loads a fifth one.
 * An output column is `column`, 2^log2_column, bytes wide. */
#define MIDGE_PLANES_ROW_3X3(b0, b1, b2, load, fifth, log2_column, column, finish) \
  MIDGE_PLANES_ENTER                         \
  "pkhtb r7, r8, r7, asr #16\n"              \
  "mov r8, r9\n"                             \
  "ldr r11, " MIDGE_PLANES_OUTPUT "\n"       \
  "1:\n"                                     \
  "ldr r1, " MIDGE_PLANES_COLUMNS_LEFT "\n"  \
  "sub r1, r1, #1\n"                         \
  "add r1, r12, r1, lsl " log2_column "\n"   \
  "str r1, " MIDGE_PLANES_LAST "\n"          \
  "2:\n"                                     \
  load("r12")                                \
  "ldr r1, " MIDGE_PLANES_START "\n"         \
  "smlad r0, r2, r4, r1\n"                   \
  "smlad r0, r3, r5, r0\n"                   \
  "smlad r0, r9, r6, r0\n"                   \
  fifth("r12")                               \
  "smlad r1, " b0 ", r4, r1\n"               \
  "smlad r1, " b1 ", r5, r1\n"               \
  "smlad r1, " b2 ", r6, r1\n"               \
  load("lr")                                 \
  "smlabb r0, r2, r7, r0\n"                  \
  "smlabt r0, r3, r7, r0\n"                  \
  "smlabt r0, r9, r8, r0\n"                  \
  fifth("lr")                                \
  "smlabb r1, " b0 ", r7, r1\n"              \
  "smlabt r1, " b1 ", r7, r1\n"              \
  "smlabt r1, " b2 ", r8, r1\n"              \
  finish                                     \
  "cmp r12, r10\n"                           \
  "strb r1, [r11, r9]\n"                     \
  "strb r0, [r11]\n"                         \
  "add r11, r11, r9, lsl #1\n"               \
  "blo.w 2b\n"                               \
  "bhi 3f\n"                                 \
  "sub r12, r12, " column "\n"               \
  "sub lr, lr, " column "\n"                 \
  "sub r11, r11, r9\n"                       \
  "b.w 2b\n"                                 \
  "3:\n"                                     \
  "add r0, sp, #32\n"                        \
  "ldm r0, {r0-r3}\n"                        \
  "add r11, r11, r2\n"                       \
  "sub r3, r3, r0, lsl " log2_column "\n"    \
  "add r12, r12, r3\n"                       \
  "add lr, lr, r3\n"                         \
  "subs r1, r1, #1\n"                        \
  "str r1, " MIDGE_PLANES_ROWS "\n"          \
  "bne.w 1b\n"                               \
  MIDGE_PLANES_LEAVE

#define MIDGE_PLANES_ROW_FINISH_ONCE            \
  "ldrd r2, r3, " MIDGE_PLANES_MULTIPLIER "\n"  \
  MIDGE_PLANES_FINISH_ONCE("r0", "r2", "r3")    \
  MIDGE_PLANES_FINISH_ONCE("r1", "r2", "r3")    \
  "ldrd r9, r10, " MIDGE_PLANES_COLUMN_STEP "\n"

#define MIDGE_PLANES_ROW_FINISH_EXACT         \
  "ldr r2, " MIDGE_PLANES_MULTIPLIER "\n"     \
  "ldr r3, " MIDGE_PLANES_OFFSET "\n"         \
  "ldr r9, " MIDGE_PLANES_SHIFT "\n"          \
  MIDGE_PLANES_SCALE_EXACT("r0", "r2")        \
  MIDGE_PLANES_SCALE_EXACT("r1", "r2")        \
  MIDGE_PLANES_ROUND_EXACT("r0", "r3", "r9")  \
  MIDGE_PLANES_ROUND_EXACT("r1", "r3", "r9")  \
  "ldrd r9, r10, " MIDGE_PLANES_COLUMN_STEP "\n"

/* Loads behind each other take a cycle each, one that loads several a cycle more. */
#define MIDGE_PLANES_LOAD_STRIDE1(row) \
  "ldr r3, [" row ", #4]\n"    \
  "ldr r9, [" row ", #8]\n"    \
  "ldr r10, [" row ", #12]\n"  \
  "ldr r2, [" row "], #8\n"
#define MIDGE_PLANES_LOAD_STRIDE2(row) "ldm " row "!, {r2, r3, r9, r10}\n"
#define MIDGE_PLANES_NO_FIFTH(row) ""
#define MIDGE_PLANES_FIFTH(row) "ldr r2, [" row "]\n"

#define MIDGE_PLANES_ROW_STRIDE1(finish) \
  MIDGE_PLANES_ROW_3X3("r3", "r9", "r10", MIDGE_PLANES_LOAD_STRIDE1, MIDGE_PLANES_NO_FIFTH, "#2", "#4", finish)
#define MIDGE_PLANES_ROW_STRIDE2(finish) \
  MIDGE_PLANES_ROW_3X3("r9", "r10", "r2", MIDGE_PLANES_LOAD_STRIDE2, MIDGE_PLANES_FIFTH, "#3", "#8", finish)

#endif
