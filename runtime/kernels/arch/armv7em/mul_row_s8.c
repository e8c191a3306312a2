#include "clamp_s8.h"
#include "requantize.h"
#include "scale_s8.h"

/* Rows of constant steps, so that dense ones are read without any arithmetic. */
static inline void multiply_row(const midge_mul_s8_params *params, const int8_t *row1, ptrdiff_t step1,
                                const int8_t *row2, ptrdiff_t step2, int8_t *output) {
  const int8_t *const end = output + params->broadcast.shape[MIDGE_MAX_RANK - 1];
  const int32_t zero_point1 = 2 * params->input1_zero_point;
  const int32_t zero_point2 = params->input2_zero_point;
  const int32_t multiplier = params->output_multiplier;
  const int32_t right = -params->output_shift;
  const int32_t addend = midge_scale_addend(params->output_zero_point, right);

  while (output < end) {
    const int32_t twice = (*row1 * 2 - zero_point1) * (*row2 - zero_point2);
    *output++ = (int8_t)midge_saturate_s8(midge_scale(twice, multiplier, addend, right));
    row1 += step1;
    row2 += step2;
  }
}

/* The reference's way, for factors of 1/2 or more, and for those so small that only the zero point is left. */
static void multiply_any(const midge_mul_s8_params *params, const int8_t *row1, ptrdiff_t step1, const int8_t *row2,
                         ptrdiff_t step2, int8_t *output) {
  for (int32_t i = 0; i < params->broadcast.shape[MIDGE_MAX_RANK - 1]; ++i) {
    const int32_t product =
        (row1[i * step1] - params->input1_zero_point) * (row2[i * step2] - params->input2_zero_point);
    output[i] = midge_requantize_s8(product, params->output_multiplier, params->output_shift,
                                    params->output_zero_point, INT8_MIN, INT8_MAX);
  }
}

void midge_mul_row_s8(const midge_mul_s8_params *params, const int8_t *row1, const int8_t *row2, int8_t *output) {
  const ptrdiff_t step1 = params->broadcast.input1_stride[MIDGE_MAX_RANK - 1];
  const ptrdiff_t step2 = params->broadcast.input2_stride[MIDGE_MAX_RANK - 1];

  if (params->output_shift > -1 || params->output_shift < -MIDGE_SCALE_MOST) {
    multiply_any(params, row1, step1, row2, step2, output);
  } else if (step1 == 1 && step2 == 1) {
    multiply_row(params, row1, 1, row2, 1, output);
  } else {
    multiply_row(params, row1, step1, row2, step2, output);
  }
  midge_clamp_tensor(output, params->broadcast.shape[MIDGE_MAX_RANK - 1], params->activation_min,
                     params->activation_max);
}
