#include "midge/kernels.h"

void midge_leaky_relu_f32(const midge_leaky_relu_f32_params *params, const float *input, float *output) {
  for (int32_t i = 0; i < params->elements; ++i) {
    output[i] = input[i] > 0.0f ? input[i] : input[i] * params->alpha;
  }
}
