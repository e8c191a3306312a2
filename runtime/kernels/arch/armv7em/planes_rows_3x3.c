/* Two output rows by two output columns.
 *
 * r0 r1 r2 r3   sums of the upper row's two columns, of the lower row's
 * r4 to r9      weights, upper and lower rows'       r10 r11   pixels, then whatever the block's end needs
 * r12 lr        the upper and the lower pair of pixel rows
 */
#include "planes_loops.h"

#define ROWS_3X3(finish)                      \
  MIDGE_PLANES_ENTER                          \
  "1:\n"                                      \
  "ldr r1, " MIDGE_PLANES_COLUMNS_LEFT "\n"   \
  "sub r1, r1, #1\n"                          \
  "add r1, r12, r1, lsl #2\n"                 \
  "str r1, " MIDGE_PLANES_LAST "\n"           \
  "2:\n"                                      \
  "ldr r11, [r12, #4]\n"                      \
  "ldr r10, [r12], #8\n"                      \
  "ldr r3, " MIDGE_PLANES_START "\n"          \
  "smlad r0, r10, r4, r3\n"                   \
  "smlatb r2, r10, r4, r3\n"                  \
  "smlad r1, r11, r4, r3\n"                   \
  "smlatb r3, r11, r4, r3\n"                  \
  "smlad r0, r11, r5, r0\n"                   \
  "smlatb r2, r11, r5, r2\n"                  \
  "ldrd r10, r11, [r12]\n"                    \
  "smlad r0, r10, r6, r0\n"                   \
  "smlatb r2, r10, r6, r2\n"                  \
  "smlad r1, r10, r5, r1\n"                   \
  "smlatb r3, r10, r5, r3\n"                  \
  "smlad r1, r11, r6, r1\n"                   \
  "smlatb r3, r11, r6, r3\n"                  \
  "ldrd r10, r11, [lr], #8\n"                 \
  "smlabt r0, r10, r7, r0\n"                  \
  "smlad r2, r10, r7, r2\n"                   \
  "smlabt r0, r11, r8, r0\n"                  \
  "smlad r2, r11, r8, r2\n"                   \
  "smlabt r1, r11, r7, r1\n"                  \
  "smlad r3, r11, r7, r3\n"                   \
  "ldrd r10, r11, [lr]\n"                     \
  "smlabt r0, r10, r9, r0\n"                  \
  "smlad r2, r10, r9, r2\n"                   \
  "smlabt r1, r10, r8, r1\n"                  \
  "smlad r3, r10, r8, r3\n"                   \
  "smlabt r1, r11, r9, r1\n"                  \
  "smlad r3, r11, r9, r3\n"                   \
  finish                                      \
  "ldrd r10, r11, " MIDGE_PLANES_OUTPUT "\n"  \
  "strb r1, [r10, r11]\n"                     \
  "strb r0, [r10]\n"                          \
  "ldrd r1, r0, " MIDGE_PLANES_LAST "\n"      \
  "add r0, r0, r10\n"                         \
  "strb r3, [r0, r11]\n"                      \
  "strb r2, [r0]\n"                           \
  "add r10, r10, r11, lsl #1\n"               \
  "str r10, " MIDGE_PLANES_OUTPUT "\n"        \
  "cmp r12, r1\n"                             \
  "blo.w 2b\n"                                \
  "bhi 3f\n"                                  \
  "sub r12, r12, #4\n"                        \
  "sub lr, lr, #4\n"                          \
  "sub r10, r10, r11\n"                       \
  "str r10, " MIDGE_PLANES_OUTPUT "\n"        \
  "b.w 2b\n"                                  \
  "3:\n"                                      \
  "add r0, sp, #32\n"                         \
  "ldm r0, {r0-r3}\n"                         \
  "add r10, r10, r2\n"                        \
  "str r10, " MIDGE_PLANES_OUTPUT "\n"        \
  "sub r3, r3, r0, lsl #2\n"                  \
  "add r12, r12, r3\n"                        \
  "add lr, lr, r3\n"                          \
  "subs r1, r1, #1\n"                         \
  "str r1, " MIDGE_PLANES_ROWS "\n"           \
  "bne.w 1b\n"                                \
  MIDGE_PLANES_LEAVE

#define FINISH_ONCE                               \
  "ldrd r10, r11, " MIDGE_PLANES_MULTIPLIER "\n"  \
  MIDGE_PLANES_FINISH_ONCE("r0", "r10", "r11")    \
  MIDGE_PLANES_FINISH_ONCE("r1", "r10", "r11")    \
  MIDGE_PLANES_FINISH_ONCE("r2", "r10", "r11")    \
  MIDGE_PLANES_FINISH_ONCE("r3", "r10", "r11")

#define FINISH_EXACT                            \
  "ldr r10, " MIDGE_PLANES_MULTIPLIER "\n"      \
  MIDGE_PLANES_SCALE_EXACT("r0", "r10")         \
  MIDGE_PLANES_SCALE_EXACT("r1", "r10")         \
  MIDGE_PLANES_SCALE_EXACT("r2", "r10")         \
  MIDGE_PLANES_SCALE_EXACT("r3", "r10")         \
  "ldrd r10, r11, " MIDGE_PLANES_OFFSET "\n"    \
  MIDGE_PLANES_ROUND_EXACT("r0", "r10", "r11")  \
  MIDGE_PLANES_ROUND_EXACT("r1", "r10", "r11")  \
  MIDGE_PLANES_ROUND_EXACT("r2", "r10", "r11")  \
  MIDGE_PLANES_ROUND_EXACT("r3", "r10", "r11")

__attribute__((naked)) void midge_planes_rows_3x3_s8(midge_planes_job *job) {
  __asm__ volatile(ROWS_3X3(FINISH_ONCE));
}

__attribute__((naked)) void midge_planes_rows_3x3_exact_s8(midge_planes_job *job) {
  __asm__ volatile(ROWS_3X3(FINISH_EXACT));
}
