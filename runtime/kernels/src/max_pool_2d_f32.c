#include <float.h>
#include <stddef.h>

#include "clamp_f32.h"
#include "midge/kernels.h"
#include "pool.h"

void midge_max_pool_2d_f32(const midge_max_pool_2d_f32_params *params, const float *input, float *output) {
  const midge_window *window = &params->window;
  const int32_t channels = window->input_channels;
  const ptrdiff_t row_stride = (ptrdiff_t)window->input_width * channels;

  for (int32_t i = 0; i < window->batches * window->output_height; ++i) {
    const int32_t batch = i / window->output_height;
    const midge_pool_span rows = midge_pool_rows(window, i - batch * window->output_height);
    const float *image = input + batch * window->input_height * row_stride;
    for (int32_t column = 0; column < window->output_width; ++column) {
      const midge_pool_span columns = midge_pool_columns(window, column);
      const float *first = image + rows.begin * row_stride + (ptrdiff_t)columns.begin * channels;
      for (int32_t channel = 0; channel < channels; ++channel) {
        float greatest = -FLT_MAX;
        for (int32_t y = 0; y < rows.count; ++y) {
          const float *pixel = first + y * row_stride + channel;
          for (int32_t x = 0; x < columns.count; ++x) {
            greatest = *pixel > greatest ? *pixel : greatest;
            pixel += channels;
          }
        }
        *output++ = midge_clamp_f32(greatest, params->activation_min, params->activation_max);
      }
    }
  }
}
