/* What the loops over planes in assembly share.
 *
 * lr points behind the weights `upper`, to `lower`, so that both load with one instruction and without an offset. */
#ifndef MIDGE_ARMV7EM_PLANES_LOOPS_H
#define MIDGE_ARMV7EM_PLANES_LOOPS_H

#include <stddef.h>

#include "inner_loops.h"

/* Offsets from lr. */
#define MIDGE_PLANES_START "#12"
#define MIDGE_PLANES_MULTIPLIER "#16"
#define MIDGE_PLANES_SHIFT "#24"
#define MIDGE_PLANES_OUTPUT "#28"
#define MIDGE_PLANES_COLUMN_STEP "#32"
#define MIDGE_PLANES_END "#36"
#define MIDGE_PLANES_ROW_STEP "#40"
#define MIDGE_PLANES_BLOCKS "#44"
#define MIDGE_PLANES_ROWS "#48"
#define MIDGE_PLANES_ADVANCE "#52"
#define MIDGE_PLANES_PITCH "#56"
#define MIDGE_PLANES_COLUMN_STRIDE "#60"
#define MIDGE_PLANES_PLANE "#64"
#define MIDGE_PLANES_WEIGHTS "#68"
#define MIDGE_PLANES_COLUMNS "#72"
#define MIDGE_PLANES_REACH "#76"
#define MIDGE_PLANES_COUNT "#80"

typedef char midge_planes_job_begins_as_read[offsetof(midge_planes_job, lower) == 12 ? 1 : -1];
typedef char midge_planes_job_is_24_words[sizeof(midge_planes_job) == 96 ? 1 : -1];

#define MIDGE_PLANES_ENTER       \
  ".syntax unified\n"            \
  "push {r4-r11, lr}\n"          \
  "add lr, r0, #12\n"

#define MIDGE_PLANES_LEAVE "pop {r4-r11, pc}\n"

/* Loads multiplier, offset and shift; the latter only where it is used. */
#define MIDGE_PLANES_FACTORS_ONCE(multiplier, offset, shift) \
  "ldrd " multiplier ", " offset ", [lr, " MIDGE_PLANES_MULTIPLIER "]\n"
#define MIDGE_PLANES_FACTORS_EXACT(multiplier, offset, shift) \
  "ldrd " multiplier ", " offset ", [lr, " MIDGE_PLANES_MULTIPLIER "]\n" \
  "ldr " shift ", [lr, " MIDGE_PLANES_SHIFT "]\n"

/* A sum becomes an output. */
#define MIDGE_PLANES_FINISH_ONCE(sum, multiplier, offset, shift) \
  "smmla " sum ", " sum ", " multiplier ", " offset "\n"         \
  "ssat " sum ", #8, " sum ", asr #9\n"
#define MIDGE_PLANES_FINISH_EXACT(sum, multiplier, offset, shift) \
  "smmlar " sum ", " sum ", " multiplier ", " sum "\n"            \
  "add " sum ", " sum ", " sum ", asr #31\n"                      \
  "add " sum ", " sum ", " offset "\n"                            \
  "asr " sum ", " sum ", " shift "\n"                             \
  "ssat " sum ", #8, " sum "\n"

#endif
