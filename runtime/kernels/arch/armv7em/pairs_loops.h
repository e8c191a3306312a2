/* The loops over pairs of channels in assembly, in which every register counts.
 *
 * A word of weights holds two inputs of two channels, 256 * high + low each. SMLAD accumulates 256 * sum_high +
 * sum_low, SXTB16 leaves both low bytes, and another SMLAD accumulates sum_low. Both sums start from the low channel's
 * bias, which their difference loses.
 *
 * Requantization takes SMMLAR, which adds the sum itself to the rounded high product, and once more, as a rounded shift
 * that adds the zero point. The sign of negative values only has to be corrected where the clamp lets them pass.
 */
#ifndef MIDGE_ARMV7EM_PAIRS_LOOPS_H
#define MIDGE_ARMV7EM_PAIRS_LOOPS_H

#include "inner_loops.h"
#include "naked.h"

/* The code below loads the structure as 17 words in this order. */
typedef char midge_pairs_job_is_17_words[sizeof(midge_pairs_job) == 68 ? 1 : -1];

/* Saves the registers and copies the job to the stack, behind a word for where to enter the unrolled loop:
 * 4 patch, 8 patch_end, 12 and 16 output, 20 blocks_end, 24 zero_point, 28 low, 32 high, 36 blocks, 40 input, 44
 * distance, 48 gap, 52 runs, 56 quads, 60 advance, 64 count, 68 channels.
 * `1` is the top of a loop that is unrolled `unrolled` times, a power of two, `bytes` each, and leads to `2`. The first
 * of the patch's 16-byte units is done before. `rounding` may prepare the zero point, in r6. */
#define MIDGE_PAIRS_ENTER(unrolled, bytes, rounding) \
  ".syntax unified\n"                      \
  "push {r4-r11, lr}\n"                    \
  "add r1, r0, #52\n"                      \
  "ldm r1, {r1-r4}\n"                      \
  "push {r1-r4}\n"                         \
  "ldm r0, {r1-r12, lr}\n"                 \
  rounding                                 \
  "push {r1-r12, lr}\n"                    \
  "sub r10, r2, r1\n"                      \
  "lsrs r10, r10, #4\n"                    \
  "subs r10, r10, #1\n"                    \
  "rsb r10, r10, #0\n"                     \
  "and r10, r10, #(" unrolled " - 1)\n"    \
  "mov r11, #" #bytes "\n"                 \
  "adr.w r0, 1f\n"                         \
  "mla r0, r10, r11, r0\n"                 \
  "it eq\n"                                \
  "adreq.w r0, 2f\n"                       \
  "orr r0, r0, #1\n"                       \
  "push {r0}\n"

#define MIDGE_PAIRS_LEAVE \
  "add sp, sp, #72\n"     \
  "pop {r4-r11, pc}\n"

/* Widens a quad of two pixels. Changes r8 to r11. */
#define MIDGE_PAIRS_WIDEN(first, second, target) \
  "ldr r10, [" first "], #4\n"                   \
  "ldr r11, [" second "], #4\n"                  \
  "sxtb16 r8, r10\n"                             \
  "sxtb16 r9, r11\n"                             \
  "sxtb16 r10, r10, ror #8\n"                    \
  "sxtb16 r11, r11, ror #8\n"                    \
  "stm " target "!, {r8-r11}\n"

/* The zero point as it is, or twice and 1: its sum with a rounding 1/2. */
#define MIDGE_PAIRS_PLAIN ""
#define MIDGE_PAIRS_ROUNDING \
  "lsl r6, r6, #1\n"         \
  "add r6, r6, #1\n"

/* Endings for one sum: the sign's correction, and the clamp. factor and shift are no longer needed by then. */
#define MIDGE_PAIRS_KEEP_SIGN(sum) "add " sum ", " sum ", " sum ", asr #31\n"
#define MIDGE_PAIRS_LOSE_SIGN(sum)
#define MIDGE_PAIRS_SATURATE(sum, low, high) "ssat " sum ", #8, " sum "\n"
#define MIDGE_PAIRS_CLAMP(sum, low, high) \
  "ldr " low ", [sp, #28]\n"              \
  "ldr " high ", [sp, #32]\n"             \
  "cmp " sum ", " low "\n"                \
  "it lt\n"                               \
  "movlt " sum ", " low "\n"              \
  "cmp " sum ", " high "\n"               \
  "it gt\n"                               \
  "movgt " sum ", " high "\n"

#endif
