#include <stddef.h>

#include "inner_loops.h"
#include "pool.h"
#include "requantize.h"

void midge_average_window_s8(const midge_average_pool_2d_s8_params *params, const int8_t *first, int32_t rows,
                             int32_t columns, int8_t *output) {
  const int32_t channels = params->window.input_channels;
  const int32_t row_stride = params->window.input_width * channels;
  const int32_t count = rows * columns;

  for (int32_t channel = 0; channel < channels; channel += 4) {
    const int32_t some = channels - channel < 4 ? channels - channel : 4;
    int32_t sum[4] = {0, 0, 0, 0};
    if (some == 4) {
      midge_pool_sum4_s8(first + channel, rows, row_stride, columns, channels, sum);
    } else {
      for (int32_t y = 0; y < rows; ++y) {
        for (int32_t x = 0; x < columns; ++x) {
          const int8_t *pixel = first + (ptrdiff_t)y * row_stride + (ptrdiff_t)x * channels + channel;
          for (int32_t i = 0; i < some; ++i) {
            sum[i] += pixel[i];
          }
        }
      }
    }
    for (int32_t i = 0; i < some; ++i) {
      output[channel + i] =
          (int8_t)midge_clamp(midge_pool_quotient(sum[i], count), params->activation_min, params->activation_max);
    }
  }
}
