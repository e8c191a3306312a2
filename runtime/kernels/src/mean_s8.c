#include <stddef.h>

#include "midge/kernels.h"
#include "requantize.h"

static int32_t sum_reduced(const midge_mean_s8_params *params, const int8_t *first) {
  const int32_t *shape = params->reduced_shape;
  const int32_t *stride = params->reduced_stride;
  int32_t sum = 0;

  for (int32_t i = 0; i < shape[0]; ++i) {
    for (int32_t j = 0; j < shape[1]; ++j) {
      const int8_t *element = first + (ptrdiff_t)i * stride[0] + (ptrdiff_t)j * stride[1];
      for (int32_t k = 0; k < shape[2]; ++k) {
        sum += element[(ptrdiff_t)k * stride[2]];
      }
    }
  }
  return sum;
}

void midge_mean_s8(const midge_mean_s8_params *params, const int8_t *input, int8_t *output) {
  const int32_t *shape = params->kept_shape;
  const int32_t *stride = params->kept_stride;

  for (int32_t i = 0; i < shape[0]; ++i) {
    for (int32_t j = 0; j < shape[1]; ++j) {
      const int8_t *first = input + (ptrdiff_t)i * stride[0] + (ptrdiff_t)j * stride[1];
      for (int32_t k = 0; k < shape[2]; ++k) {
        const int32_t sum = sum_reduced(params, first + (ptrdiff_t)k * stride[2]);
        *output++ = midge_requantize_s8(sum + params->offset, params->multiplier, params->shift,
                                        params->output_zero_point, INT8_MIN, INT8_MAX);
      }
    }
  }
}
