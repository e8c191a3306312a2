#include "add_s8.h"
#include "inner_loops.h"

void midge_add_row_s8(const midge_add_s8_params *params, const int8_t *row1, const int8_t *row2, int8_t *output) {
  const int32_t count = params->broadcast.shape[MIDGE_MAX_RANK - 1];
  const ptrdiff_t step1 = params->broadcast.input1_stride[MIDGE_MAX_RANK - 1];
  const ptrdiff_t step2 = params->broadcast.input2_stride[MIDGE_MAX_RANK - 1];
  const midge_sum sum = midge_make_sum(params);

  for (int32_t i = 0; i < count; ++i) {
    output[i] = midge_sum_result(&sum, midge_operand1(&sum, *row1) + midge_operand2(&sum, *row2));
    row1 += step1;
    row2 += step2;
  }
}
