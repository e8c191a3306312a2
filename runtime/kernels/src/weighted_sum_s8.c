#include "weighted_sum_s8.h"

void midge_weighted_sum_s8(const midge_weighted_sum_s8_params *params, const int8_t *input1, const int8_t *input2,
                           int8_t *output) {
  midge_weighted_sum_s8_body(params, input1, input2, output);
}
