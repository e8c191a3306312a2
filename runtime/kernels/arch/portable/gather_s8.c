#include <stddef.h>

#include "inner_loops.h"
#include "memory_functions.h"
#include "window.h"

void midge_gather_windows_s8(const midge_conv_2d_lanes_s8_params *params, const int8_t *first, int32_t pixel_step,
                             int32_t pixels, int8_t *patches) {
  const midge_window *window = &params->window;
  const int32_t length = window->filter_width * window->input_channels;
  const ptrdiff_t stride = (ptrdiff_t)window->dilation_height * window->input_width * window->input_channels;

  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    const int8_t *source = first + (ptrdiff_t)pixel * pixel_step;
    int8_t *patch = patches + (ptrdiff_t)pixel * params->run_length;
    if (params->offsets != NULL) {
      for (int32_t i = 0; i < params->run_length; ++i) {
        patch[i] = source[params->offsets[i]];
      }
      continue;
    }
    for (int32_t row = 0; row < window->filter_height; ++row) {
      memcpy(patch + (ptrdiff_t)row * length, row > 0 ? source + row * stride : source, (size_t)length);
    }
  }
}

void midge_gather_clipped_s8(const midge_window *window, const int8_t *image, int32_t y, int32_t x, int32_t padding,
                             int8_t *patch) {
  midge_gather_window(window, image, 1, y, x, 0, window->input_channels, (int8_t)padding, patch);
}
