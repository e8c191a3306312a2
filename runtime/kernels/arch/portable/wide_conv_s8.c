#include <stddef.h>

#include "inner_loops.h"
#include "requantize.h"

void midge_wide_conv_s8(const midge_conv_2d_wide_s8_params *params, const int16_t *window, int32_t pixel_stride,
                        int32_t pixels, int8_t *output) {
  const int32_t channels = params->window.output_channels;

  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    for (int32_t channel = 0; channel < channels; ++channel) {
      const ptrdiff_t block = channel / 8;
      const int16_t *weights = params->weights + block * params->runs * params->run_pairs * 16 + channel % 8 * 2;
      const int32_t factor = channel * params->factor_step;
      int32_t sum = 0;
      for (int32_t run = 0; run < params->runs; ++run) {
        const int16_t *x = window + params->run_offsets[run];
        for (int32_t pair = 0; pair < params->run_pairs; ++pair) {
          sum += x[2 * pair] * weights[0] + x[2 * pair + 1] * weights[1];
          weights += 16;
        }
      }
      output[channel] = midge_requantize_s8(midge_add_wrap(sum, params->bias[channel]), params->multiplier[factor],
                                            params->shift[factor], params->output_zero_point, params->activation_min,
                                            params->activation_max);
    }
    window += pixel_stride;
    output += channels;
  }
}
