#include <stddef.h>

#include "inner_loops.h"
#include "requantize.h"

void midge_dot_conv_s8(const midge_conv_2d_dot_s8_params *params, const int8_t *window, int32_t pixel_stride,
                       int32_t pixels, int8_t *output) {
  const int32_t channels = params->window.output_channels;

  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    for (int32_t channel = 0; channel < channels; ++channel) {
      const ptrdiff_t block = channel / 8;
      const int8_t *weights = params->weights + block * params->runs * params->run_quads * 32 + channel % 8 * 4;
      const int32_t factor = channel * params->factor_step;
      int32_t sum = 0;
      for (int32_t run = 0; run < params->runs; ++run) {
        const int8_t *x = window + params->run_offsets[run];
        for (int32_t quad = 0; quad < params->run_quads; ++quad) {
          for (int32_t i = 0; i < 4; ++i) {
            sum += x[4 * quad + i] * weights[i];
          }
          weights += 32;
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
