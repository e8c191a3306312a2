#include <stddef.h>

#include "inner_loops.h"
#include "mean_s8.h"

void midge_mean_row_s8(const midge_mean_s8_params *params, const int8_t *first, int8_t *output) {
  const int32_t count = params->kept_shape[2];
  const int32_t *shape = params->reduced_shape;
  const int32_t *stride = params->reduced_stride;
  int32_t k = 0;

  if (params->kept_stride[2] == 1 && shape[0] == 1) {
    for (; k + 4 <= count; k += 4) {
      int32_t sum[4] = {0, 0, 0, 0};
      midge_pool_sum4_s8(first + k, shape[1], stride[1], shape[2], stride[2], sum);
      for (int32_t i = 0; i < 4; ++i) {
        output[k + i] = midge_mean_of_sum(params, sum[i]);
      }
    }
  }
  for (; k < count; ++k) {
    output[k] = midge_mean_of_sum(params, midge_mean_sum(params, first + (ptrdiff_t)k * params->kept_stride[2]));
  }
}
