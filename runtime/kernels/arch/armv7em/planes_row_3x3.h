/* One output row, two output columns at a time.
 *
 * r0 r1       sums of the two columns          r4 to r8   columns of a pair of pixel rows
 * r2 r3 r9    weights, then factors            r10        output
 * r11 r12     the upper and the lower pair of pixel rows; of the latter only the upper row counts
 */
#ifndef MIDGE_ARMV7EM_PLANES_ROW_3X3_H
#define MIDGE_ARMV7EM_PLANES_ROW_3X3_H

#include "planes_loops.h"

/* `columns` are loaded, the second output begins with b0; a block is 2^log2_bytes bytes wide. */
#define MIDGE_PLANES_ROW_3X3(columns, b0, b1, b2, bytes, log2_bytes, factors, finish) \
  MIDGE_PLANES_ENTER                                        \
  "ldr r11, [lr, " MIDGE_PLANES_PLANE "]\n"                 \
  "ldr r4, [lr, " MIDGE_PLANES_PITCH "]\n"                  \
  "ldr r10, [lr, " MIDGE_PLANES_OUTPUT "]\n"                \
  "add r12, r11, r4\n"                                      \
  "1:\n"                                                    \
  "ldr r4, [lr, " MIDGE_PLANES_BLOCKS "]\n"                 \
  "add r4, r11, r4, lsl " log2_bytes "\n"                   \
  "str r4, [lr, " MIDGE_PLANES_END "]\n"                    \
  "2:\n"                                                    \
  "ldr r1, [lr, " MIDGE_PLANES_START "]\n"                  \
  "ldmdb lr, {r2, r3, r9}\n"                                \
  "ldm r11, " columns "\n"                                  \
  "add r11, r11, " bytes "\n"                               \
  "smlad r0, r4, r2, r1\n"                                  \
  "smlad r1, " b0 ", r2, r1\n"                              \
  "smlad r0, r5, r3, r0\n"                                  \
  "smlad r1, " b1 ", r3, r1\n"                              \
  "smlad r0, r6, r9, r0\n"                                  \
  "smlad r1, " b2 ", r9, r1\n"                              \
  "ldm lr, {r2, r3, r9}\n"                                  \
  "ldm r12, " columns "\n"                                  \
  "add r12, r12, " bytes "\n"                               \
  "smlabt r0, r4, r2, r0\n"                                 \
  "smlabt r1, " b0 ", r2, r1\n"                             \
  "smlabt r0, r5, r3, r0\n"                                 \
  "smlabt r1, " b1 ", r3, r1\n"                             \
  "smlabt r0, r6, r9, r0\n"                                 \
  "smlabt r1, " b2 ", r9, r1\n"                             \
  factors("r2", "r3", "r9")                                 \
  finish("r0", "r2", "r3", "r9")                            \
  finish("r1", "r2", "r3", "r9")                            \
  "ldrd r4, r5, [lr, " MIDGE_PLANES_COLUMN_STEP "]\n"       \
  "cmp r11, r5\n"                                           \
  "strb r1, [r10, r4]\n"                                    \
  "strb r0, [r10]\n"                                        \
  "add r10, r10, r4, lsl #1\n"                              \
  "bne.w 2b\n"                                              \
  "ldrd r6, r7, [lr, " MIDGE_PLANES_ADVANCE "]\n"           \
  "ldrd r4, r5, [lr, " MIDGE_PLANES_BLOCKS "]\n"            \
  "add r10, r10, r6\n"                                      \
  "sub r7, r7, r4, lsl " log2_bytes "\n"                    \
  "add r11, r11, r7\n"                                      \
  "add r12, r12, r7\n"                                      \
  "subs r5, r5, #1\n"                                       \
  "str r5, [lr, " MIDGE_PLANES_ROWS "]\n"                   \
  "bne.w 1b\n"                                              \
  MIDGE_PLANES_LEAVE

#define MIDGE_PLANES_ROW_STRIDE1(factors, finish) \
  MIDGE_PLANES_ROW_3X3("{r4-r7}", "r5", "r6", "r7", "#8", "#3", factors, finish)
#define MIDGE_PLANES_ROW_STRIDE2(factors, finish) \
  MIDGE_PLANES_ROW_3X3("{r4-r8}", "r6", "r7", "r8", "#16", "#4", factors, finish)

#endif
