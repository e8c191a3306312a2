#include <stddef.h>

#include "inner_loops.h"
#include "requantize.h"

void midge_max_window_s8(const midge_max_pool_2d_s8_params *params, const int8_t *first, int32_t rows, int32_t columns,
                         int8_t *output) {
  const int32_t channels = params->window.input_channels;
  const ptrdiff_t row_stride = (ptrdiff_t)params->window.input_width * channels;

  for (int32_t channel = 0; channel < channels; ++channel) {
    int32_t greatest = INT8_MIN;
    for (int32_t y = 0; y < rows; ++y) {
      const int8_t *pixel = first + y * row_stride + channel;
      for (int32_t x = 0; x < columns; ++x) {
        greatest = *pixel > greatest ? *pixel : greatest;
        pixel += channels;
      }
    }
    output[channel] = (int8_t)midge_clamp(greatest, params->activation_min, params->activation_max);
  }
}
