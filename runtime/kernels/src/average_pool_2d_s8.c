#include <stddef.h>

#include "inner_loops.h"
#include "midge/kernels.h"
#include "pool.h"

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
      const int8_t *first = image + rows.begin * row_stride + (ptrdiff_t)columns.begin * channels;
      midge_average_window_s8(params, first, rows.count, columns.count, output);
      output += channels;
    }
  }
}
