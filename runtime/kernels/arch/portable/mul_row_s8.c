#include "inner_loops.h"
#include "requantize.h"

void midge_mul_row_s8(const midge_mul_s8_params *params, const int8_t *row1, const int8_t *row2, int8_t *output) {
  const int32_t count = params->broadcast.shape[MIDGE_MAX_RANK - 1];
  const ptrdiff_t step1 = params->broadcast.input1_stride[MIDGE_MAX_RANK - 1];
  const ptrdiff_t step2 = params->broadcast.input2_stride[MIDGE_MAX_RANK - 1];
  const midge_mul_s8_params p = *params; /* values that a store to the output cannot change */

  for (int32_t i = 0; i < count; ++i) {
    const int32_t product = (*row1 - p.input1_zero_point) * (*row2 - p.input2_zero_point);
    output[i] = midge_requantize_s8(product, p.output_multiplier, p.output_shift, p.output_zero_point,
                                    p.activation_min, p.activation_max);
    row1 += step1;
    row2 += step2;
  }
}
