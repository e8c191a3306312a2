#include <stddef.h>

#include "inner_loops.h"
#include "midge/kernels.h"
#include "requantize.h"

static int8_t finish(const midge_fully_connected_s8_params *params, int32_t channel, int32_t sum) {
  const int32_t factor = channel * params->factor_step;
  return midge_requantize_s8(midge_add_wrap(sum, params->bias[channel]), params->multiplier[factor],
                             params->shift[factor], params->output_zero_point, params->activation_min,
                             params->activation_max);
}

void midge_fully_connected_s8(const midge_fully_connected_s8_params *params, const int8_t *input, int8_t *output) {
  const int32_t depth = params->depth;
  const int32_t channels = params->output_channels;

  for (int32_t batch = 0; batch < params->batches; ++batch) {
    const int8_t *weights = params->weights;
    int32_t channel = 0;
    for (; channel + 4 <= channels; channel += 4) {
      int32_t sum[4];
      midge_dot4_s8(input, 1, depth, depth, weights, sum);
      for (int32_t i = 0; i < 4; ++i) {
        output[channel + i] = finish(params, channel + i, sum[i]);
      }
      weights += (ptrdiff_t)4 * depth;
    }
    for (; channel < channels; ++channel) {
      output[channel] = finish(params, channel, midge_dot1_s8(input, 1, depth, depth, weights));
      weights += depth;
    }
    input += depth;
    output += channels;
  }
}
