/* The mean of some strided elements; see midge_mean_s8. */
#ifndef MIDGE_MEAN_S8_H
#define MIDGE_MEAN_S8_H

#include <stddef.h>

#include "midge/kernels.h"
#include "requantize.h"

static inline int32_t midge_mean_sum(const midge_mean_s8_params *params, const int8_t *first) {
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

static inline int8_t midge_mean_of_sum(const midge_mean_s8_params *params, int32_t sum) {
  return midge_requantize_s8(sum + params->offset, params->multiplier, params->shift, params->output_zero_point,
                             INT8_MIN, INT8_MAX);
}

#endif
