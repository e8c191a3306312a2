/* One element of midge_weighted_sum_s8. */
#ifndef MIDGE_WEIGHTED_SUM_H
#define MIDGE_WEIGHTED_SUM_H

#include "midge/kernels.h"
#include "requantize.h"

static inline int8_t midge_weighted_sum(const midge_weighted_sum_s8_params *params, int32_t x1, int32_t x2) {
  const int32_t term1 = (int32_t)((int64_t)params->factor1 * x1 >> 8);
  const int32_t term2 = (int32_t)((int64_t)params->factor2 * x2 >> 8);
  return (int8_t)midge_clamp((params->offset + term1 + term2) >> 21, INT8_MIN, INT8_MAX);
}

#endif
