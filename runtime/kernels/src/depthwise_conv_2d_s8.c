#include <stddef.h>

#include "inner_loops.h"
#include "midge/kernels.h"
#include "requantize.h"
#include "window.h"

/* Where the elements of one window lie; strides count elements. */
typedef struct {
  const int8_t *first;
  int32_t row_stride;
  int32_t column_stride;
} window_view;

static int8_t finish(const midge_depthwise_conv_2d_s8_params *params, int32_t channel, int32_t sum) {
  const int32_t factor = channel * params->factor_step;
  return midge_requantize_s8(midge_add_wrap(sum, params->bias[channel]), params->multiplier[factor],
                             params->shift[factor], params->output_zero_point, params->activation_min,
                             params->activation_max);
}

/* All output channels of one window. */
static void convolve_pixel(const midge_depthwise_conv_2d_s8_params *params, const window_view *view, int8_t *output) {
  const midge_window *window = &params->window;
  const int32_t rows = window->filter_height;
  const int32_t columns = window->filter_width;
  const int32_t taps = rows * columns;
  const int32_t inputs = window->input_channels;
  const int8_t *weights = params->weights;
  int32_t channel = 0;
  int32_t input = 0;

  if (params->depth_multiplier == 1) {
    for (; input + 4 <= inputs; input += 4) {
      int32_t sum[4];
      midge_depthwise4_s8(view->first + input, rows, view->row_stride, columns, view->column_stride, weights, sum);
      for (int32_t i = 0; i < 4; ++i) {
        output[input + i] = finish(params, input + i, sum[i]);
      }
      weights += (ptrdiff_t)4 * taps;
    }
    channel = input;
  }
  for (; input < inputs; ++input) {
    for (int32_t i = 0; i < params->depth_multiplier; ++i) {
      const int32_t sum = midge_depthwise1_s8(view->first + input, rows, view->row_stride, columns,
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
  const midge_depthwise_conv_2d_s8_params *params = all_params;
  const midge_window *window = &params->window;
  int8_t *output = row;
  const window_view view = {patch, window->filter_width * window->input_channels, window->input_channels};

  for (int32_t column = begin; column < end; ++column) {
    const int32_t x = column * window->stride_width - window->padding_left;
    midge_gather_window(window, image, 1, y, x, 0, window->input_channels, (int8_t)params->input_zero_point, patch);
    convolve_pixel(params, &view, output + (ptrdiff_t)column * window->output_channels);
  }
}

/* The interior columns of one row. */
static void convolve_interior(const void *all_params, const void *image, int32_t y, int32_t begin, int32_t end,
                              void *row, void *scratch) {
  const midge_depthwise_conv_2d_s8_params *params = all_params;
  const midge_window *window = &params->window;
  int8_t *output = row;
  const int32_t input_row = window->input_width * window->input_channels;
  const int32_t step = window->stride_width * window->input_channels;
  const int32_t x = begin * window->stride_width - window->padding_left;
  (void)scratch;
  window_view view = {(const int8_t *)image + (ptrdiff_t)y * input_row + (ptrdiff_t)x * window->input_channels, 0, 0};
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

void midge_depthwise_conv_2d_s8(const midge_depthwise_conv_2d_s8_params *params, const int8_t *input, int8_t *output,
                                void *scratch) {
  midge_walk_rows(&params->window, 1, params, convolve_border, convolve_interior, input, output, scratch);
}
