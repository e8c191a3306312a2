/* What the loops over planes in assembly share. Each works on a copy of the job's changing words on the stack. */
#ifndef MIDGE_ARMV7EM_PLANES_LOOPS_H
#define MIDGE_ARMV7EM_PLANES_LOOPS_H

#include <stddef.h>

#include "inner_loops.h"

#define MIDGE_PLANES_START "[sp]"
#define MIDGE_PLANES_MULTIPLIER "[sp, #4]"
#define MIDGE_PLANES_OFFSET "[sp, #8]"
#define MIDGE_PLANES_SHIFT "[sp, #12]"
#define MIDGE_PLANES_OUTPUT "[sp, #16]"
#define MIDGE_PLANES_COLUMN_STEP "[sp, #20]"
#define MIDGE_PLANES_LAST "[sp, #24]" /* the row's last column */
#define MIDGE_PLANES_ROW_STEP "[sp, #28]"
#define MIDGE_PLANES_COLUMNS_LEFT "[sp, #32]" /* four words for the end of a row: */
#define MIDGE_PLANES_ROWS "[sp, #36]"
#define MIDGE_PLANES_ADVANCE "[sp, #40]"
#define MIDGE_PLANES_PITCH "[sp, #44]"

typedef char midge_planes_job_begins_as_read[offsetof(midge_planes_job, start) == 24 ? 1 : -1];
typedef char midge_planes_job_goes_on_as_read[offsetof(midge_planes_job, plane) == 24 + 52 ? 1 : -1];

/* Copies twelve words; r4 to r9 become the weights, r12 and lr the pairs of pixel rows. */
#define MIDGE_PLANES_ENTER  \
  ".syntax unified\n"       \
  "push {r4-r11, lr}\n"     \
  "add r0, r0, #24\n"       \
  "ldm r0, {r1-r11, lr}\n"  \
  "push {r1-r11, lr}\n"     \
  "ldr r12, [r0, #52]\n"    \
  "add lr, lr, r12\n"       \
  "ldmdb r0, {r4-r9}\n"

#define MIDGE_PLANES_LEAVE \
  "add sp, sp, #48\n"  \
  "pop {r4-r11, pc}\n"

/* A sum becomes an output: with one rounding, and in two parts with two. */
#define MIDGE_PLANES_FINISH_ONCE(sum, multiplier, offset) \
  "smmla " sum ", " sum ", " multiplier ", " offset "\n"  \
  "ssat " sum ", #8, " sum ", asr #9\n"
#define MIDGE_PLANES_SCALE_EXACT(sum, multiplier)       \
  "smmlar " sum ", " sum ", " multiplier ", " sum "\n"  \
  "add " sum ", " sum ", " sum ", asr #31\n"
#define MIDGE_PLANES_ROUND_EXACT(sum, offset, shift) \
  "add " sum ", " sum ", " offset "\n"  \
  "asr " sum ", " sum ", " shift "\n"   \
  "ssat " sum ", #8, " sum "\n"

#endif
