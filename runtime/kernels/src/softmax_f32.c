#include "exp_f32.h"
#include "midge/kernels.h"

void midge_softmax_f32(const midge_softmax_f32_params *params, const float *input, float *output) {
  const int32_t depth = params->depth;
  for (int32_t row = 0; row < params->rows; ++row) {
    float greatest = input[0];
    for (int32_t i = 1; i < depth; ++i) {
      greatest = input[i] > greatest ? input[i] : greatest;
    }
    float sum = 0.0f;
    for (int32_t i = 0; i < depth; ++i) {
      output[i] = midge_exp_f32((input[i] - greatest) * params->beta);
      sum += output[i];
    }
    for (int32_t i = 0; i < depth; ++i) {
      output[i] = output[i] / sum;
    }
    input += depth;
    output += depth;
  }
}
