/* midge_conv_2d_lanes_s8 for any constant shape; see kernels.h. */
#ifndef MIDGE_CONV_2D_LANES_S8_H
#define MIDGE_CONV_2D_LANES_S8_H

#include <stddef.h>

#include "inner_loops.h"
#include "midge/kernels.h"
#include "window.h"

/* Output columns [begin, end) of one row, whose windows need padding or gathering; two pixels at a time. */
static inline void midge_lanes_border(const void *all_params, const void *image, int32_t y, int32_t begin, int32_t end,
                                      void *row, void *scratch) {
  const midge_conv_2d_lanes_s8_params *params = all_params;
  const midge_window *window = &params->window;
  const int32_t depth = params->runs * params->run_length;
  int8_t *patches = scratch;
  int8_t *output = (int8_t *)row + (ptrdiff_t)begin * window->output_channels;

  for (int32_t column = begin; column < end; column += 2) {
    const int32_t pixels = column + 1 < end ? 2 : 1;
    for (int32_t pixel = 0; pixel < pixels; ++pixel) {
      const int32_t x = (column + pixel) * window->stride_width - window->padding_left;
      int8_t *patch = patches + (ptrdiff_t)pixel * depth;
      if (window->dilation_width == 1) {
        midge_gather_clipped_s8(window, image, y, x, params->input_zero_point, patch);
      } else {
        midge_gather_window(window, image, 1, y, x, 0, window->input_channels, (int8_t)params->input_zero_point, patch);
      }
    }
    midge_lanes_conv_s8(params, patches, depth, params->run_length, pixels, output);
    output += 2 * (ptrdiff_t)window->output_channels;
  }
}

/* The interior columns of one row: windows of few short runs are copied, others are read from the image itself. */
static inline void midge_lanes_interior(const void *all_params, const void *image, int32_t y, int32_t begin,
                                        int32_t end, void *row, void *scratch) {
  const midge_conv_2d_lanes_s8_params *params = all_params;
  const midge_window *window = &params->window;
  const int32_t channels = window->input_channels;
  const int32_t row_bytes = window->input_width * channels;
  const int32_t step = window->stride_width * channels;
  const int32_t stride = window->filter_height > 1 ? window->dilation_height * row_bytes : 0;
  const int32_t x = begin * window->stride_width - window->padding_left;
  const int8_t *first = (const int8_t *)image + (ptrdiff_t)y * row_bytes + (ptrdiff_t)x * channels;
  int8_t *output = (int8_t *)row + (ptrdiff_t)begin * window->output_channels;

  if (!params->gathered) {
    midge_lanes_conv_s8(params, first, step, stride, end - begin, output);
    return;
  }
  int8_t *patches = scratch;
  const int32_t depth = params->run_length;
  for (int32_t column = begin; column < end; column += 2) {
    const int32_t pixels = column + 1 < end ? 2 : 1;
    for (int32_t pixel = 0; pixel < pixels; ++pixel) {
      midge_gather_runs_s8(first, window->filter_height, window->filter_width * channels, stride,
                           patches + (ptrdiff_t)pixel * depth);
      first += step;
    }
    midge_lanes_conv_s8(params, patches, depth, depth, pixels, output);
    output += 2 * (ptrdiff_t)window->output_channels;
  }
}

static inline void midge_conv_2d_lanes_s8_body(const midge_conv_2d_lanes_s8_params *params, const int8_t *input,
                                               int8_t *output, void *scratch) {
  midge_walk_rows(&params->window, 1, params, midge_lanes_border, midge_lanes_interior, input, output, scratch);
}

#endif
