/* Any filter, two output rows by two output columns.
 *
 * r0 r1 r2 r3   sums of the upper row's two columns, of the lower row's
 * r4 r5         weights of the upper and the lower row       r6 r7   pixel pairs for both columns
 * r8            where to read weights                        r9      where to read pixels
 * r10           columns of the filter left                   r11     the block's first word
 * r12           bytes between both columns' pixels
 */
#include "planes_loops.h"

#define TAPS(factors, finish)                              \
  MIDGE_PLANES_ENTER                                       \
  "ldrd r12, r11, [lr, " MIDGE_PLANES_COLUMN_STRIDE "]\n"  \
  "1:\n"                                                   \
  "ldr r4, [lr, " MIDGE_PLANES_BLOCKS "]\n"                \
  "mul r4, r4, r12\n"                                      \
  "add r4, r11, r4, lsl #1\n"                              \
  "str r4, [lr, " MIDGE_PLANES_END "]\n"                   \
  "2:\n"                                                   \
  "ldr r0, [lr, " MIDGE_PLANES_START "]\n"                 \
  "ldrd r8, r10, [lr, " MIDGE_PLANES_WEIGHTS "]\n"         \
  "ldr r6, [lr, " MIDGE_PLANES_REACH "]\n"                 \
  "mov r1, r0\n"                                           \
  "mov r2, r0\n"                                           \
  "mov r3, r0\n"                                           \
  "mov r9, r11\n"                                          \
  "3:\n"                                                   \
  "str r6, [lr, " MIDGE_PLANES_COUNT "]\n"                 \
  "4:\n"                                                   \
  "ldrd r4, r5, [r8], #8\n"                                \
  "ldr r7, [r9, r12]\n"                                    \
  "ldr r6, [r9], #4\n"                                     \
  "subs r10, r10, #1\n"                                    \
  "smlad r0, r6, r4, r0\n"                                 \
  "smlad r1, r7, r4, r1\n"                                 \
  "smlad r2, r6, r5, r2\n"                                 \
  "smlad r3, r7, r5, r3\n"                                 \
  "bne 4b\n"                                               \
  "ldr r6, [lr, " MIDGE_PLANES_COUNT "]\n"                 \
  "ldr r7, [lr, " MIDGE_PLANES_PITCH "]\n"                 \
  "ldr r10, [lr, " MIDGE_PLANES_COLUMNS "]\n"              \
  "add r9, r9, r7\n"                                       \
  "subs r6, r6, #1\n"                                      \
  "sub r9, r9, r10, lsl #2\n"                              \
  "bne 3b\n"                                               \
  factors("r8", "r9", "r10")                               \
  finish("r0", "r8", "r9", "r10")                          \
  finish("r1", "r8", "r9", "r10")                          \
  finish("r2", "r8", "r9", "r10")                          \
  finish("r3", "r8", "r9", "r10")                          \
  "ldrd r4, r5, [lr, " MIDGE_PLANES_OUTPUT "]\n"           \
  "ldrd r6, r7, [lr, " MIDGE_PLANES_END "]\n"              \
  "add r11, r11, r12, lsl #1\n"                            \
  "cmp r11, r6\n"                                          \
  "add r7, r4, r7\n"                                       \
  "strb r3, [r7, r5]\n"                                    \
  "strb r2, [r7]\n"                                        \
  "strb r1, [r4, r5]\n"                                    \
  "strb r0, [r4]\n"                                        \
  "add r4, r4, r5, lsl #1\n"                               \
  "str r4, [lr, " MIDGE_PLANES_OUTPUT "]\n"                \
  "bne.w 2b\n"                                             \
  "ldrd r6, r7, [lr, " MIDGE_PLANES_ADVANCE "]\n"          \
  "ldrd r8, r9, [lr, " MIDGE_PLANES_BLOCKS "]\n"           \
  "add r4, r4, r6\n"                                       \
  "str r4, [lr, " MIDGE_PLANES_OUTPUT "]\n"                \
  "mul r8, r8, r12\n"                                      \
  "sub r7, r7, r8, lsl #1\n"                               \
  "add r11, r11, r7\n"                                     \
  "subs r9, r9, #1\n"                                      \
  "str r9, [lr, " MIDGE_PLANES_ROWS "]\n"                  \
  "bne.w 1b\n"                                             \
  MIDGE_PLANES_LEAVE

__attribute__((naked)) void midge_planes_taps_s8(midge_planes_job *job) {
  __asm__ volatile(TAPS(MIDGE_PLANES_FACTORS_ONCE, MIDGE_PLANES_FINISH_ONCE));
}

__attribute__((naked)) void midge_planes_taps_exact_s8(midge_planes_job *job) {
  __asm__ volatile(TAPS(MIDGE_PLANES_FACTORS_EXACT, MIDGE_PLANES_FINISH_EXACT));
}
