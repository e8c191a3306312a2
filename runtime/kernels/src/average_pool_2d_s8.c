#include <stddef.h>

#include "inner_loops.h"
#include "midge/kernels.h"
#include "pool.h"
#include "requantize.h"

/* The quotient rounded half away from zero; the sum of at most 2^23 int8 values leaves room for half the count. */
static int32_t rounded_quotient(int32_t sum, int32_t count) {
  return sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
}

/* All channels of one window, whose first pixel is `first`. */
static void average(const midge_average_pool_2d_s8_params *params, const int8_t *first, midge_pool_span rows,
                    midge_pool_span columns, int8_t *output) {
  const int32_t channels = params->window.input_channels;
  const int32_t row_stride = params->window.input_width * channels;
  const int32_t count = rows.count * columns.count;

  for (int32_t channel = 0; channel < channels; channel += 4) {
    const int32_t rest = channels - channel;
    const int32_t some = rest < 4 ? rest : 4;
    int32_t sum[4] = {0, 0, 0, 0};
    if (some == 4) {
      midge_pool_sum4_s8(first + channel, rows.count, row_stride, columns.count, channels, sum);
    } else {
      for (int32_t y = 0; y < rows.count; ++y) {
        for (int32_t x = 0; x < columns.count; ++x) {
          const int8_t *pixel = first + (ptrdiff_t)y * row_stride + (ptrdiff_t)x * channels + channel;
          for (int32_t i = 0; i < some; ++i) {
            sum[i] += pixel[i];
          }
        }
      }
    }
    for (int32_t i = 0; i < some; ++i) {
      output[channel + i] =
          (int8_t)midge_clamp(rounded_quotient(sum[i], count), params->activation_min, params->activation_max);
    }
  }
}

void midge_average_pool_2d_s8(const midge_average_pool_2d_s8_params *params, const int8_t *input, int8_t *output) {
  const midge_window *window = &params->window;
  const int32_t channels = window->input_channels;
  const ptrdiff_t row_stride = (ptrdiff_t)window->input_width * channels;

  for (int32_t i = 0; i < window->batches * window->output_height; ++i) {
    const int32_t batch = i / window->output_height;
    const midge_pool_span rows = midge_pool_rows(window, i - batch * window->output_height);
    const int8_t *image = input + batch * window->input_height * row_stride;
    for (int32_t column = 0; column < window->output_width; ++column) {
      const midge_pool_span columns = midge_pool_columns(window, column);
      average(params, image + rows.begin * row_stride + (ptrdiff_t)columns.begin * channels, rows, columns, output);
      output += channels;
    }
  }
}
