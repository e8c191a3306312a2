/* What the inner loops on int8 share on AArch64: how the sums of eight neighbouring channels become outputs. */
#ifndef MIDGE_BLOCK_S8_H
#define MIDGE_BLOCK_S8_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#include "memory_functions.h"

typedef struct {
  int32x4_t bias[2];
  int32x4_t multiplier[2];
  int32x4_t left[2];  /* bits to shift left before the multiplication */
  int32x4_t right[2]; /* minus the bits to divide by after it */
  int32x4_t zero_point;
  int8x8_t low;
  int8x8_t high;
} midge_block;

/* Loads the block of channels that begins at `channel`. The arrays are padded to whole blocks. */
static inline midge_block midge_load_block(const int32_t *bias, const int32_t *multiplier, const int32_t *shift,
                                           int32_t factor_step, int32_t channel, int32_t zero_point, int32_t low,
                                           int32_t high) {
  const int32x4_t zero = vdupq_n_s32(0);
  midge_block block;

  for (int32_t half = 0; half < 2; ++half) {
    const int32_t at = channel + 4 * half;
    const int32x4_t shifts = factor_step ? vld1q_s32(shift + at) : vdupq_n_s32(shift[0]);
    block.bias[half] = vld1q_s32(bias + at);
    block.multiplier[half] = factor_step ? vld1q_s32(multiplier + at) : vdupq_n_s32(multiplier[0]);
    block.left[half] = vmaxq_s32(shifts, zero);
    block.right[half] = vminq_s32(shifts, zero);
  }
  block.zero_point = vdupq_n_s32(zero_point);
  block.low = vdup_n_s8((int8_t)low);
  block.high = vdup_n_s8((int8_t)high);
  return block;
}

/* midge_rounding_divide on four lanes; `right` is minus the exponent. The rounding shift rounds halves up, so that
 * negative numbers are moved down by one first, unless nothing is shifted. */
static inline int32x4_t midge_divide(int32x4_t x, int32x4_t right) {
  return vrshlq_s32(vaddq_s32(x, vshrq_n_s32(vandq_s32(x, right), 31)), right);
}

/* Four sums, requantized, still as int32: midge_requantize and the output's zero point. The rounding doubling product
 * saturates only where both factors are -2^31, and multipliers are not negative. */
static inline int32x4_t midge_finish_half(const midge_block *block, int32_t half, int32x4_t sum) {
  const int32x4_t x = vshlq_s32(vaddq_s32(sum, block->bias[half]), block->left[half]);
  return vaddq_s32(midge_divide(vqrdmulhq_s32(x, block->multiplier[half]), block->right[half]), block->zero_point);
}

/* Turns eight sums into int8 and stores them, or the first `count` of them. */
static inline void midge_store_block(const midge_block *block, int32x4_t sum0, int32x4_t sum1, int32_t count,
                                     int8_t *output) {
  const int32x4_t first = midge_finish_half(block, 0, sum0);
  const int32x4_t second = midge_finish_half(block, 1, sum1);
  const int8x8_t bytes = vqmovn_s16(vcombine_s16(vqmovn_s32(first), vqmovn_s32(second)));
  const int8x8_t clamped = vmin_s8(vmax_s8(bytes, block->low), block->high);

  if (count >= 8) {
    vst1_s8(output, clamped);
  } else {
    int8_t all[8];
    vst1_s8(all, clamped);
    memcpy(output, all, (size_t)count);
  }
}

#endif
