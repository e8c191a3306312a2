#include "exp_f32.h"
#include "midge/kernels.h"

/* tanh(x) = e / (e + 2) with e = exp(2x) - 1, which keeps its bits near 0. From 9.011 on it rounds to 1. */
static float tanh_positive(float x) {
  if (x > 9.011f) {
    return 1.0f;
  }
  const midge_exp_parts parts = midge_exp_split(2.0f * x);
  const float power = midge_power_of_two(parts.exponent);
  const float e = power * parts.fraction + (power - 1.0f);
  return e / (e + 2.0f);
}

void midge_tanh_f32(const midge_tanh_f32_params *params, const float *input, float *output) {
  for (int32_t i = 0; i < params->elements; ++i) {
    const float x = input[i];
    /* NaN takes neither side. */
    output[i] = x > 0.0f ? tanh_positive(x) : x < 0.0f ? -tanh_positive(-x) : x;
  }
}
