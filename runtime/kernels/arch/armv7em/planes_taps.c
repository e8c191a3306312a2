/* Any filter, two output rows by two output columns.
 *
 * r0 r1 r2 r3   sums of the upper row's two columns, of the lower row's
 * r4 r5         weights of the upper and the lower row       r6 r7   pixel pairs for both columns
 * r8            where to read weights                        r9      where to read pixels
 * r10           columns of the filter left                   r11     the block's first word
 * r12           bytes between both columns' pixels
 */
#include "planes_loops.h"

/* From the job's `lower` on, where lr points. */
#define START "[lr, #12]"
#define MULTIPLIER "[lr, #16]"
#define SHIFT "[lr, #24]"
#define OUTPUT "[lr, #28]"
#define LAST "[lr, #36]"
#define OUTPUT_COLUMNS "[lr, #44]"
#define ROWS "[lr, #48]"
#define ADVANCE "[lr, #52]"
#define PITCH "[lr, #56]"
#define COLUMN_STRIDE "[lr, #60]"
#define WEIGHTS "[lr, #68]"
#define COLUMNS "[lr, #72]"
#define REACH "[lr, #76]"
#define COUNT "[lr, #80]"

#define TAPS(finish)                    \
  ".syntax unified\n"                   \
  "push {r4-r11, lr}\n"                 \
  "add lr, r0, #12\n"                   \
  "ldrd r12, r11, " COLUMN_STRIDE "\n"  \
  "1:\n"                                \
  "ldr r4, " OUTPUT_COLUMNS "\n"        \
  "sub r4, r4, #1\n"                    \
  "mla r4, r4, r12, r11\n"              \
  "str r4, " LAST "\n"                  \
  "2:\n"                                \
  "ldr r0, " START "\n"                 \
  "ldrd r8, r10, " WEIGHTS "\n"         \
  "ldr r6, " REACH "\n"                 \
  "mov r1, r0\n"                        \
  "mov r2, r0\n"                        \
  "mov r3, r0\n"                        \
  "mov r9, r11\n"                       \
  "3:\n"                                \
  "str r6, " COUNT "\n"                 \
  "4:\n"                                \
  "ldrd r4, r5, [r8], #8\n"             \
  "ldr r7, [r9, r12]\n"                 \
  "ldr r6, [r9], #4\n"                  \
  "subs r10, r10, #1\n"                 \
  "smlad r0, r6, r4, r0\n"              \
  "smlad r1, r7, r4, r1\n"              \
  "smlad r2, r6, r5, r2\n"              \
  "smlad r3, r7, r5, r3\n"              \
  "bne 4b\n"                            \
  "ldr r6, " COUNT "\n"                 \
  "ldr r7, " PITCH "\n"                 \
  "ldr r10, " COLUMNS "\n"              \
  "add r9, r9, r7\n"                    \
  "subs r6, r6, #1\n"                   \
  "sub r9, r9, r10, lsl #2\n"           \
  "bne 3b\n"                            \
  finish                                \
  "ldrd r4, r5, " OUTPUT "\n"           \
  "ldrd r6, r7, " LAST "\n"             \
  "add r11, r11, r12, lsl #1\n"         \
  "cmp r11, r6\n"                       \
  "add r7, r4, r7\n"                    \
  "strb r3, [r7, r5]\n"                 \
  "strb r2, [r7]\n"                     \
  "strb r1, [r4, r5]\n"                 \
  "strb r0, [r4]\n"                     \
  "add r4, r4, r5, lsl #1\n"            \
  "str r4, " OUTPUT "\n"                \
  "blo.w 2b\n"                          \
  "bhi 5f\n"                            \
  "sub r11, r11, r12\n"                 \
  "sub r4, r4, r5\n"                    \
  "str r4, " OUTPUT "\n"                \
  "b.w 2b\n"                            \
  "5:\n"                                \
  "ldrd r6, r7, " ADVANCE "\n"          \
  "ldrd r8, r9, " OUTPUT_COLUMNS "\n"   \
  "add r4, r4, r6\n"                    \
  "str r4, " OUTPUT "\n"                \
  "mls r7, r8, r12, r7\n"               \
  "add r11, r11, r7\n"                  \
  "subs r9, r9, #1\n"                   \
  "str r9, " ROWS "\n"                  \
  "bne.w 1b\n"                          \
  "pop {r4-r11, pc}\n"

#define FINISH_ONCE                           \
  "ldrd r8, r9, " MULTIPLIER "\n"             \
  MIDGE_PLANES_FINISH_ONCE("r0", "r8", "r9")  \
  MIDGE_PLANES_FINISH_ONCE("r1", "r8", "r9")  \
  MIDGE_PLANES_FINISH_ONCE("r2", "r8", "r9")  \
  MIDGE_PLANES_FINISH_ONCE("r3", "r8", "r9")

#define FINISH_EXACT                           \
  "ldrd r8, r9, " MULTIPLIER "\n"              \
  "ldr r10, " SHIFT "\n"                       \
  MIDGE_PLANES_SCALE_EXACT("r0", "r8")         \
  MIDGE_PLANES_ROUND_EXACT("r0", "r9", "r10")  \
  MIDGE_PLANES_SCALE_EXACT("r1", "r8")         \
  MIDGE_PLANES_ROUND_EXACT("r1", "r9", "r10")  \
  MIDGE_PLANES_SCALE_EXACT("r2", "r8")         \
  MIDGE_PLANES_ROUND_EXACT("r2", "r9", "r10")  \
  MIDGE_PLANES_SCALE_EXACT("r3", "r8")         \
  MIDGE_PLANES_ROUND_EXACT("r3", "r9", "r10")

__attribute__((naked)) void midge_planes_taps_s8(midge_planes_job *job) {
  __asm__ volatile(TAPS(FINISH_ONCE));
}

__attribute__((naked)) void midge_planes_taps_exact_s8(midge_planes_job *job) {
  __asm__ volatile(TAPS(FINISH_EXACT));
}
