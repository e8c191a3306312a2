#include <stddef.h>

#include "inner_loops.h"
#include "mean_s8.h"

void midge_mean_row_s8(const midge_mean_s8_params *params, const int8_t *first, int8_t *output) {
  for (int32_t k = 0; k < params->kept_shape[2]; ++k) {
    output[k] = midge_mean_of_sum(params, midge_mean_sum(params, first + (ptrdiff_t)k * params->kept_stride[2]));
  }
}
