#include <stddef.h>

#include "inner_loops.h"
#include "midge/kernels.h"

void midge_mean_s8(const midge_mean_s8_params *params, const int8_t *input, int8_t *output) {
  const int32_t *shape = params->kept_shape;
  const int32_t *stride = params->kept_stride;

  for (int32_t i = 0; i < shape[0]; ++i) {
    for (int32_t j = 0; j < shape[1]; ++j) {
      midge_mean_row_s8(params, input + (ptrdiff_t)i * stride[0] + (ptrdiff_t)j * stride[1], output);
      output += shape[2];
    }
  }
}
