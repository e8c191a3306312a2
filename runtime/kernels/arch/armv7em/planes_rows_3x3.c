/* Two output rows by two output columns.
 *
 * r0 r1 r2 r3   sums of the upper row's two columns, of the lower row's
 * r4 to r7      four columns of a pair of pixel rows
 * r8 r9 r10     weights
 * r11 r12       the upper and the lower pair of pixel rows
 */
#include "planes_loops.h"

/* One column of the filter: pixels a for the left outputs, b for the right ones. */
#define LOWER(a, b, w)                  \
  "smlabt r0, " a ", " w ", r0\n"                           \
  "smlabt r1, " b ", " w ", r1\n"                           \
  "smlad r2, " a ", " w ", r2\n"                            \
  "smlad r3, " b ", " w ", r3\n"
#define UPPER(a, b, w)              \
  "smlad r0, " a ", " w ", r0\n"                            \
  "smlad r1, " b ", " w ", r1\n"                            \
  "smlatb r2, " a ", " w ", r2\n"                           \
  "smlatb r3, " b ", " w ", r3\n"

#define ROWS_3X3(factors, finish)                           \
  MIDGE_PLANES_ENTER                                        \
  "ldr r11, [lr, " MIDGE_PLANES_PLANE "]\n"                 \
  "ldr r4, [lr, " MIDGE_PLANES_PITCH "]\n"                  \
  "add r12, r11, r4\n"                                      \
  "1:\n"                                                    \
  "ldr r4, [lr, " MIDGE_PLANES_BLOCKS "]\n"                 \
  "add r4, r11, r4, lsl #3\n"                               \
  "str r4, [lr, " MIDGE_PLANES_END "]\n"                    \
  "2:\n"                                                    \
  "ldr r3, [lr, " MIDGE_PLANES_START "]\n"                  \
  "ldmdb lr, {r8-r10}\n"                                    \
  "ldm r11, {r4-r7}\n"                                      \
  "add r11, r11, #8\n"                                      \
  "smlad r0, r4, r8, r3\n"                                  \
  "smlad r1, r5, r8, r3\n"                                  \
  "smlatb r2, r4, r8, r3\n"                                 \
  "smlatb r3, r5, r8, r3\n"                                 \
  UPPER("r5", "r6", "r9")                                   \
  UPPER("r6", "r7", "r10")                                  \
  "ldm lr, {r8-r10}\n"                                      \
  "ldm r12, {r4-r7}\n"                                      \
  "add r12, r12, #8\n"                                      \
  LOWER("r4", "r5", "r8")                                   \
  LOWER("r5", "r6", "r9")                                   \
  LOWER("r6", "r7", "r10")                                  \
  factors("r8", "r9", "r10")                                \
  finish("r0", "r8", "r9", "r10")                           \
  finish("r1", "r8", "r9", "r10")                           \
  finish("r2", "r8", "r9", "r10")                           \
  finish("r3", "r8", "r9", "r10")                           \
  "ldrd r4, r5, [lr, " MIDGE_PLANES_OUTPUT "]\n"            \
  "ldrd r6, r7, [lr, " MIDGE_PLANES_END "]\n"               \
  "cmp r11, r6\n"                                           \
  "add r7, r4, r7\n"                                        \
  "strb r3, [r7, r5]\n"                                     \
  "strb r2, [r7]\n"                                         \
  "strb r1, [r4, r5]\n"                                     \
  "strb r0, [r4]\n"                                         \
  "add r4, r4, r5, lsl #1\n"                                \
  "str r4, [lr, " MIDGE_PLANES_OUTPUT "]\n"                 \
  "bne.w 2b\n"                                              \
  "ldrd r6, r7, [lr, " MIDGE_PLANES_ADVANCE "]\n"           \
  "ldrd r8, r9, [lr, " MIDGE_PLANES_BLOCKS "]\n"            \
  "add r4, r4, r6\n"                                        \
  "str r4, [lr, " MIDGE_PLANES_OUTPUT "]\n"                 \
  "sub r7, r7, r8, lsl #3\n"                                \
  "add r11, r11, r7\n"                                      \
  "add r12, r12, r7\n"                                      \
  "subs r9, r9, #1\n"                                       \
  "str r9, [lr, " MIDGE_PLANES_ROWS "]\n"                   \
  "bne.w 1b\n"                                              \
  MIDGE_PLANES_LEAVE

__attribute__((naked)) void midge_planes_rows_3x3_s8(midge_planes_job *job) {
  __asm__ volatile(ROWS_3X3(MIDGE_PLANES_FACTORS_ONCE, MIDGE_PLANES_FINISH_ONCE));
}

__attribute__((naked)) void midge_planes_rows_3x3_exact_s8(midge_planes_job *job) {
  __asm__ volatile(ROWS_3X3(MIDGE_PLANES_FACTORS_EXACT, MIDGE_PLANES_FINISH_EXACT));
}
