#include <stddef.h>

#include "inner_loops.h"
#include "midge/kernels.h"
#include "requantize.h"

/* The dot product of a run and one of `together` channels whose chunks alternate. */
static int32_t run_dot(const int8_t *run, int32_t length, const int8_t *weights, int32_t together, int32_t channel) {
  int32_t sum = 0;
  for (int32_t begin = 0; begin < length; begin += 16) {
    const int32_t count = length - begin < 16 ? length - begin : 16;
    const int8_t *chunk = weights + (ptrdiff_t)begin * together + (ptrdiff_t)channel * count;
    for (int32_t i = 0; i < count; ++i) {
      sum += run[begin + i] * chunk[i];
    }
  }
  return sum;
}

/* All output channels of one pixel. */
static void convolve_pixel(const midge_conv_2d_lanes_s8_params *params, const int8_t *window, int32_t run_stride,
                           int8_t *output) {
  const int32_t length = params->run_length;
  const int32_t channels = params->window.output_channels;
  const int32_t *block = params->blocks;

  for (int32_t first = 0; first < channels; first += 4) {
    const int32_t together = channels - first < 4 ? channels - first : 4;
    const ptrdiff_t words = together < 4 ? 0 : (ptrdiff_t)params->runs * length;
    const int32_t *factors = block + 4 + words;
    const int8_t *weights = (const int8_t *)(together < 4 ? block + 12 : block + 4);
    for (int32_t channel = 0; channel < together; ++channel) {
      int32_t sum = block[channel];
      for (int32_t run = 0; run < params->runs; ++run) {
        const int8_t *run_weights = weights + (ptrdiff_t)run * length * together;
        sum = midge_add_wrap(sum, run_dot(window + (ptrdiff_t)run * run_stride, length, run_weights, together, channel));
      }
      output[first + channel] =
          midge_requantize_s8(sum, factors[channel], factors[4 + channel], params->output_zero_point,
                              params->activation_min, params->activation_max);
    }
    block = factors + 8;
  }
}

void midge_lanes_conv_s8(const midge_conv_2d_lanes_s8_params *params, const int8_t *window, int32_t pixel_step,
                         int32_t run_stride, int32_t pixels, int8_t *output) {
  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    convolve_pixel(params, window + (ptrdiff_t)pixel * pixel_step, run_stride,
                   output + (ptrdiff_t)pixel * params->window.output_channels);
  }
}
