/* What ADD and SUB on int8 share: both operands on a common scale with 20 fractional bits. */
#ifndef MIDGE_ADD_S8_H
#define MIDGE_ADD_S8_H

#include "broadcast.h"
#include "requantize.h"

/* A factor below 1, taken apart once for a whole tensor. */
typedef struct {
  int32_t multiplier;
  int32_t right;    /* bits to shift right after the multiplication */
  int32_t half;     /* 2^right / 2 */
  int32_t negative; /* mask of what is added to negative numbers to round half away from zero: -1, or 0 without shift */
} midge_fraction;

static inline midge_fraction midge_make_fraction(int32_t multiplier, int32_t shift) {
  const int32_t right = -shift;
  const midge_fraction fraction = {multiplier, right, (int32_t)(((uint32_t)1 << right) >> 1), right > 0 ? -1 : 0};
  return fraction;
}

/* midge_requantize for shift <= 0 and |x| < 2^30: doubling x leaves the product's upper word, which some processors
 * give rounded in one instruction. */
static inline int32_t midge_times_fraction(int32_t x, midge_fraction fraction) {
  const int32_t high = (int32_t)(((int64_t)(x * 2) * fraction.multiplier + ((int64_t)1 << 31)) >> 32);
  return (high + fraction.half + ((high >> 31) & fraction.negative)) >> fraction.right;
}

/* What a tensor's sums need. */
typedef struct {
  midge_fraction factor1;
  midge_fraction factor2;
  midge_fraction output_factor;
  int32_t zero_point1;
  int32_t zero_point2;
  int32_t output_zero_point;
  int32_t low;
  int32_t high;
} midge_sum;

static inline midge_sum midge_make_sum(const midge_add_s8_params *params) {
  const midge_sum sum = {
      midge_make_fraction(params->input1_multiplier, params->input1_shift),
      midge_make_fraction(params->input2_multiplier, params->input2_shift),
      midge_make_fraction(params->output_multiplier, params->output_shift),
      params->input1_zero_point,
      params->input2_zero_point,
      params->output_zero_point,
      params->activation_min,
      params->activation_max,
  };
  return sum;
}

/* Operands without their zero points are in [-255, 255]; with 20 more bits, at least halved, they are below 2^27. */
static inline int32_t midge_operand1(const midge_sum *sum, int32_t x) {
  return midge_times_fraction((x - sum->zero_point1) * (1 << 20), sum->factor1);
}

static inline int32_t midge_operand2(const midge_sum *sum, int32_t x) {
  return midge_times_fraction((x - sum->zero_point2) * (1 << 20), sum->factor2);
}

static inline int8_t midge_sum_result(const midge_sum *sum, int32_t x) {
  return (int8_t)midge_clamp(midge_times_fraction(x, sum->output_factor) + sum->output_zero_point, sum->low, sum->high);
}

#endif
