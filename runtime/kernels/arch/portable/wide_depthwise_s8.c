#include <stddef.h>

#include "inner_loops.h"
#include "requantize.h"

void midge_wide_depthwise_s8(const midge_depthwise_conv_2d_wide_s8_params *params, const int16_t *window,
                             int32_t pixel_stride, int32_t pixels, int8_t *output) {
  const int32_t channels = params->window.output_channels;

  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    for (int32_t channel = 0; channel < channels; ++channel) {
      const ptrdiff_t block = channel / 8;
      const int16_t *weights = params->weights + block * params->taps * 8 + channel % 8 * 2;
      const int32_t factor = channel * params->factor_step;
      int32_t sum = 0;
      for (int32_t tap = 0; tap < params->taps; tap += 2) {
        sum += window[params->tap_offsets[tap] + channel] * weights[0];
        sum += window[params->tap_offsets[tap + 1] + channel] * weights[1];
        weights += 16;
      }
      output[channel] = midge_requantize_s8(midge_add_wrap(sum, params->bias[channel]), params->multiplier[factor],
                                            params->shift[factor], params->output_zero_point, params->activation_min,
                                            params->activation_max);
    }
    window += pixel_stride;
    output += channels;
  }
}
