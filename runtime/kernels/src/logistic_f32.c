#include "exp_f32.h"
#include "midge/kernels.h"

/* By the exponential of a number that is not positive, so that nothing overflows and small results keep their bits. */
static float logistic(float x) {
  const float exponential = midge_exp_f32(x < 0.0f ? x : -x);
  return (x < 0.0f ? exponential : 1.0f) / (1.0f + exponential);
}

void midge_logistic_f32(const midge_logistic_f32_params *params, const float *input, float *output) {
  for (int32_t i = 0; i < params->elements; ++i) {
    output[i] = logistic(input[i]);
  }
}
