/* What ADD and SUB on int8 share: both operands on a common scale with 20 fractional bits. */
#ifndef MIDGE_ADD_S8_H
#define MIDGE_ADD_S8_H

#include "midge/kernels.h"
#include "requantize.h"

/* Offset operands are in [-255, 255]: shifted left by 20 they fit, and their scaled sum too. */
static inline int32_t midge_scaled_operand(int32_t x, int32_t zero_point, int32_t multiplier, int32_t shift) {
  return midge_requantize((x - zero_point) * (1 << 20), multiplier, shift);
}

static inline int8_t midge_scaled_result(const midge_add_s8_params *params, int32_t sum) {
  return midge_requantize_s8(sum, params->output_multiplier, params->output_shift, params->output_zero_point,
                             params->activation_min, params->activation_max);
}

#define MIDGE_SCALED_1(params, x) \
  midge_scaled_operand((x), (params)->input1_zero_point, (params)->input1_multiplier, (params)->input1_shift)
#define MIDGE_SCALED_2(params, x) \
  midge_scaled_operand((x), (params)->input2_zero_point, (params)->input2_multiplier, (params)->input2_shift)

#endif
