#include <stddef.h>

#include "midge/kernels.h"
#include "pool.h"
#include "requantize.h"

/* The quotient rounded half away from zero; the sum of at most 2^23 int8 values leaves room for half the count. */
static int32_t rounded_quotient(int32_t sum, int32_t count) {
  return sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
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
      const int32_t count = rows.count * columns.count;
      const int8_t *first = image + rows.begin * row_stride + (ptrdiff_t)columns.begin * channels;
      for (int32_t channel = 0; channel < channels; ++channel) {
        int32_t sum = 0;
        for (int32_t y = 0; y < rows.count; ++y) {
          const int8_t *pixel = first + y * row_stride + channel;
          for (int32_t x = 0; x < columns.count; ++x) {
            sum += *pixel;
            pixel += channels;
          }
        }
        *output++ = (int8_t)midge_clamp(rounded_quotient(sum, count), params->activation_min, params->activation_max);
      }
    }
  }
}
