#include <stddef.h>

#include "clamp_f32.h"
#include "inner_loops.h"
#include "midge/kernels.h"
#include "window.h"

/* Where the elements of one window lie; strides count elements. */
typedef struct {
  const float *first;
  int32_t row_stride;
  int32_t column_stride;
} window_view;

static float finish(const midge_depthwise_conv_2d_f32_params *params, int32_t channel, float sum) {
  return midge_clamp_f32(sum + params->bias[channel], params->activation_min, params->activation_max);
}

/* All output channels of one window. */
static void convolve_pixel(const midge_depthwise_conv_2d_f32_params *params, const window_view *view, float *output) {
  const midge_window *window = &params->window;
  const int32_t rows = window->filter_height;
  const int32_t columns = window->filter_width;
  const int32_t taps = rows * columns;
  const int32_t inputs = window->input_channels;
  const float *weights = params->weights;
  int32_t channel = 0;
  int32_t input = 0;

  if (params->depth_multiplier == 1) {
    for (; input + 4 <= inputs; input += 4) {
      float sum[4];
      midge_depthwise4_f32(view->first + input, rows, view->row_stride, columns, view->column_stride, weights, sum);
      for (int32_t i = 0; i < 4; ++i) {
        output[input + i] = finish(params, input + i, sum[i]);
      }
      weights += (ptrdiff_t)4 * taps;
    }
    channel = input;
  }
  for (; input < inputs; ++input) {
    for (int32_t i = 0; i < params->depth_multiplier; ++i) {
      const float sum = midge_depthwise1_f32(view->first + input, rows, view->row_stride, columns,
                                              view->column_stride, weights);
      output[channel] = finish(params, channel, sum);
      weights += taps;
      ++channel;
    }
  }
}

/* Output columns [begin, end) of one row, whose windows need padding. y is the window's first row. */
static void convolve_border(const void *all_params, const void *image, int32_t y, int32_t begin, int32_t end, void *row,
                            void *patch) {
  const midge_depthwise_conv_2d_f32_params *params = all_params;
  const midge_window *window = &params->window;
  float *output = row;
  const window_view view = {patch, window->filter_width * window->input_channels, window->input_channels};

  for (int32_t column = begin; column < end; ++column) {
    const int32_t x = column * window->stride_width - window->padding_left;
    midge_gather_window(window, image, (int32_t)sizeof(float), y, x, 0, window->input_channels, 0, patch);
    convolve_pixel(params, &view, output + (ptrdiff_t)column * window->output_channels);
  }
}

/* The interior columns of one row. */
static void convolve_interior(const void *all_params, const void *image, int32_t y, int32_t begin, int32_t end,
                              void *row, void *scratch) {
  const midge_depthwise_conv_2d_f32_params *params = all_params;
  const midge_window *window = &params->window;
  float *output = row;
  const int32_t input_row = window->input_width * window->input_channels;
  const int32_t step = window->stride_width * window->input_channels;
  const int32_t x = begin * window->stride_width - window->padding_left;
  (void)scratch;
  window_view view = {(const float *)image + (ptrdiff_t)y * input_row + (ptrdiff_t)x * window->input_channels, 0, 0};
  if (window->filter_height > 1) {
    view.row_stride = window->dilation_height * input_row;
  }
  if (window->filter_width > 1) {
    view.column_stride = window->dilation_width * window->input_channels;
  }
  for (int32_t column = begin; column < end; ++column) {
    convolve_pixel(params, &view, output + (ptrdiff_t)column * window->output_channels);
    view.first += step;
  }
}

void midge_depthwise_conv_2d_f32(const midge_depthwise_conv_2d_f32_params *params, const float *input, float *output,
                                 void *scratch) {
  midge_walk_rows(&params->window, sizeof(float), params, convolve_border, convolve_interior, input, output, scratch);
}
