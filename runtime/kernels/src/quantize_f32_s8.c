#include "midge/kernels.h"

/* Rounds half away from zero; everything from 2^23 up is whole already, and what int8 cannot hold saturates. */
static int32_t round_saturated(float x) {
  if (!(x > -1024.0f)) {
    return x == x ? -1024 : 0;
  }
  if (x > 1024.0f) {
    return 1024;
  }
  const int32_t whole = (int32_t)x;
  const float rest = x - (float)whole;
  return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

void midge_quantize_f32_s8(const midge_quantize_f32_s8_params *params, const float *input, int8_t *output) {
  for (int32_t i = 0; i < params->elements; ++i) {
    const int32_t value = round_saturated(input[i] / params->scale) + params->zero_point;
    output[i] = (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
  }
}
