#include "clamp_f32.h"
#include "midge/kernels.h"

void midge_hard_swish_f32(const midge_hard_swish_f32_params *params, const float *input, float *output) {
  for (int32_t i = 0; i < params->elements; ++i) {
    output[i] = input[i] * midge_clamp_f32(input[i] + 3.0f, 0.0f, 6.0f) / 6.0f;
  }
}
