#ifndef MIDGE_WEIGHTED_SUM_S8_H
#define MIDGE_WEIGHTED_SUM_S8_H

#include "clamp_s8.h"
#include "inner_loops.h"
#include "weighted_sum.h"

static inline void midge_weighted_sum_s8_body(const midge_weighted_sum_s8_params *params, const int8_t *input1,
                                              const int8_t *input2, int8_t *output) {
  const int32_t quads = params->elements / 4;
  if (quads > 0) {
    midge_weighted_sum_quads_s8(params, input1, input2, output, quads);
  }
  for (int32_t i = 4 * quads; i < params->elements; ++i) {
    output[i] = midge_weighted_sum(params, input1[i], input2[i]);
  }
  midge_clamp_tensor(output, params->elements, params->activation_min, params->activation_max);
}

#endif
