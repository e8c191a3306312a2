#include "clamp_f32.h"
#include "midge/kernels.h"

void midge_relu_f32(const midge_relu_f32_params *params, const float *input, float *output) {
  for (int32_t i = 0; i < params->elements; ++i) {
    output[i] = midge_clamp_f32(input[i], params->minimum, params->maximum);
  }
}
