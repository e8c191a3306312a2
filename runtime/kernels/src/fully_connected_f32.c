#include <stddef.h>

#include "clamp_f32.h"
#include "inner_loops.h"
#include "midge/kernels.h"

static float clamp(const midge_fully_connected_f32_params *params, float sum) {
  return midge_clamp_f32(sum, params->activation_min, params->activation_max);
}

void midge_fully_connected_f32(const midge_fully_connected_f32_params *params, const float *input, float *output) {
  const int32_t depth = params->depth;
  const int32_t channels = params->output_channels;

  for (int32_t batch = 0; batch < params->batches; ++batch) {
    const float *weights = params->weights;
    int32_t channel = 0;
    for (; channel + 4 <= channels; channel += 4) {
      const float *bias = params->bias + channel;
      float sum[4] = {bias[0], bias[1], bias[2], bias[3]};
      midge_dot4_f32(input, 1, depth, depth, weights, sum);
      for (int32_t i = 0; i < 4; ++i) {
        output[channel + i] = clamp(params, sum[i]);
      }
      weights += (ptrdiff_t)4 * depth;
    }
    for (; channel < channels; ++channel) {
      output[channel] = clamp(params, midge_dot1_f32(input, 1, depth, depth, weights, params->bias[channel]));
      weights += depth;
    }
    input += depth;
    output += channels;
  }
}
