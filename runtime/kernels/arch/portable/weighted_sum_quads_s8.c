#include "inner_loops.h"
#include "weighted_sum.h"

void midge_weighted_sum_quads_s8(const midge_weighted_sum_s8_params *params, const int8_t *input1, const int8_t *input2,
                                 int8_t *output, int32_t quads) {
  for (int32_t i = 0; i < 4 * quads; ++i) {
    output[i] = midge_weighted_sum(params, input1[i], input2[i]);
  }
}
