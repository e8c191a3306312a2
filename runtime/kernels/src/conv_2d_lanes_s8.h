/* midge_conv_2d_lanes_s8 for any constant shape; see kernels.h. */
#ifndef MIDGE_CONV_2D_LANES_S8_H
#define MIDGE_CONV_2D_LANES_S8_H

#include <stddef.h>

#include "inner_loops.h"
#include "memory_functions.h"
#include "midge/kernels.h"
#include "window.h"

/* Copies the windows of output columns [begin, end), which may reach beyond the image. */
static inline void midge_lanes_copy_clipped(const midge_conv_2d_lanes_s8_params *params, const int8_t *image, int32_t y,
                                            int32_t begin, int32_t end, int8_t *patches) {
  const midge_window *window = &params->window;
  for (int32_t column = begin; column < end; ++column) {
    const int32_t x = column * window->stride_width - window->padding_left;
    if (window->dilation_width == 1) {
      midge_gather_clipped_s8(window, image, y, x, params->input_zero_point, patches);
    } else {
      midge_gather_window(window, image, 1, y, x, 0, window->input_channels, (int8_t)params->input_zero_point, patches);
    }
    patches += (ptrdiff_t)params->runs * params->run_length;
  }
}

/* Output columns [begin, end) of one row, whose windows need padding or gathering. */
static inline void midge_lanes_border(const void *all_params, const void *image, int32_t y, int32_t begin, int32_t end,
                                      void *row, void *scratch) {
  const midge_conv_2d_lanes_s8_params *params = all_params;
  const int32_t channels = params->window.output_channels;
  const int32_t length = params->run_length;

  for (int32_t column = begin; column < end; column += params->patches) {
    const int32_t pixels = end - column < params->patches ? end - column : params->patches;
    midge_lanes_copy_clipped(params, image, y, column, column + pixels, scratch);
    midge_lanes_conv_s8(params, scratch, params->runs * length, length, pixels,
                        (int8_t *)row + (ptrdiff_t)column * channels);
  }
}

/* The interior columns of one row. */
static inline void midge_lanes_interior(const void *all_params, const void *image, int32_t y, int32_t begin,
                                        int32_t end, void *row, void *scratch) {
  const midge_conv_2d_lanes_s8_params *params = all_params;
  const midge_window *window = &params->window;
  const int32_t channels = window->input_channels;
  const int32_t row_bytes = window->input_width * channels;
  const int32_t step = window->stride_width * channels;
  const int32_t x = begin * window->stride_width - window->padding_left;
  const int8_t *first = (const int8_t *)image + (ptrdiff_t)y * row_bytes + (ptrdiff_t)x * channels;
  int8_t *output = (int8_t *)row + (ptrdiff_t)begin * window->output_channels;

  if (!params->gathered) {
    if (params->runs == 1 && params->run_length <= 16 && end - begin > 2) {
      midge_lanes_short_conv_s8(params, first, step, end - begin, output);
    } else {
      const int32_t stride = window->filter_height > 1 ? window->dilation_height * row_bytes : 0;
      midge_lanes_conv_s8(params, first, step, stride, end - begin, output);
    }
    return;
  }
  while (begin < end) {
    const int32_t pixels = end - begin < params->patches ? end - begin : params->patches;
    midge_gather_windows_s8(params, first, step, pixels, scratch);
    midge_lanes_conv_s8(params, scratch, params->run_length, params->run_length, pixels, output);
    begin += pixels;
    if (begin < end) { /* elsewhere even the pointer would lie outside the image */
      first += (ptrdiff_t)pixels * step;
    }
    output += (ptrdiff_t)pixels * window->output_channels;
  }
}

static inline void midge_conv_2d_lanes_s8_body(const midge_conv_2d_lanes_s8_params *params, const int8_t *input,
                                               int8_t *output, void *scratch) {
  if (params->patches > 0) { /* what copies leave as it is meets weights of 0 */
    memset(scratch, 0, (size_t)params->patches * (size_t)(params->runs * params->run_length));
  }
  midge_walk_rows(&params->window, 1, params, midge_lanes_border, midge_lanes_interior, input, output, scratch);
}

#endif
