#include <stddef.h>

#include "midge/kernels.h"

static float sum_reduced(const midge_mean_f32_params *params, const float *first) {
  const int32_t *shape = params->reduced_shape;
  const int32_t *stride = params->reduced_stride;
  float sum = 0.0f;

  for (int32_t i = 0; i < shape[0]; ++i) {
    for (int32_t j = 0; j < shape[1]; ++j) {
      const float *element = first + (ptrdiff_t)i * stride[0] + (ptrdiff_t)j * stride[1];
      for (int32_t k = 0; k < shape[2]; ++k) {
        sum += element[(ptrdiff_t)k * stride[2]];
      }
    }
  }
  return sum;
}

void midge_mean_f32(const midge_mean_f32_params *params, const float *input, float *output) {
  const int32_t *shape = params->kept_shape;
  const int32_t *stride = params->kept_stride;

  for (int32_t i = 0; i < shape[0]; ++i) {
    for (int32_t j = 0; j < shape[1]; ++j) {
      const float *first = input + (ptrdiff_t)i * stride[0] + (ptrdiff_t)j * stride[1];
      for (int32_t k = 0; k < shape[2]; ++k) {
        *output++ = sum_reduced(params, first + (ptrdiff_t)k * stride[2]) / params->count;
      }
    }
  }
}
