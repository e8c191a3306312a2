#include <stddef.h>

#include "inner_loops.h"
#include "midge/kernels.h"
#include "requantize.h"
#include "window.h"

/* Where the elements of one window lie: `runs` stretches of `length` elements, `stride` apart. */
typedef struct {
  const int8_t *first;
  int32_t runs;
  int32_t length;
  int32_t stride;
} window_runs;

static int8_t finish(const midge_conv_2d_s8_params *params, int32_t channel, int32_t sum) {
  const int32_t factor = channel * params->factor_step;
  return midge_requantize_s8(midge_add_wrap(sum, params->bias[channel]), params->multiplier[factor],
                             params->shift[factor], params->output_zero_point, params->activation_min,
                             params->activation_max);
}

/* All output channels of one group for one window. */
static void convolve_group(const midge_conv_2d_s8_params *params, const window_runs *input, int32_t group,
                           int32_t group_channels, int8_t *output) {
  const ptrdiff_t depth = (ptrdiff_t)input->runs * input->length;
  const int8_t *weights = params->weights + (ptrdiff_t)group * group_channels * depth;
  int32_t channel = group * group_channels;
  const int32_t end = channel + group_channels;

  for (; channel + 4 <= end; channel += 4) {
    int32_t sum[4];
    midge_dot4_s8(input->first, input->runs, input->length, input->stride, weights, sum);
    for (int32_t i = 0; i < 4; ++i) {
      output[channel + i] = finish(params, channel + i, sum[i]);
    }
    weights += 4 * depth;
  }
  for (; channel < end; ++channel) {
    const int32_t sum = midge_dot1_s8(input->first, input->runs, input->length, input->stride, weights);
    output[channel] = finish(params, channel, sum);
    weights += depth;
  }
}

/* Output columns [begin, end) of one row, whose windows need padding or gathering. y is the window's first row. */
static void convolve_border(const void *all_params, const void *image, int32_t y, int32_t begin, int32_t end, void *row,
                            void *patch) {
  const midge_conv_2d_s8_params *params = all_params;
  const midge_window *window = &params->window;
  int8_t *output = row;
  const int32_t groups = window->input_channels / params->filter_channels;
  const int32_t group_channels = window->output_channels / groups;
  const int32_t depth = window->filter_height * window->filter_width * params->filter_channels;
  const window_runs runs = {patch, 1, depth, depth};

  for (int32_t column = begin; column < end; ++column) {
    const int32_t x = column * window->stride_width - window->padding_left;
    int8_t *pixel = output + (ptrdiff_t)column * window->output_channels;
    for (int32_t group = 0; group < groups; ++group) {
      midge_gather_window(window, image, 1, y, x, group * params->filter_channels, params->filter_channels,
                          (int8_t)params->input_zero_point, patch);
      convolve_group(params, &runs, group, group_channels, pixel);
    }
  }
}

/* The interior columns of one row: every window is filter_height stretches of the image itself. */
static void convolve_interior(const void *all_params, const void *image, int32_t y, int32_t begin, int32_t end,
                              void *row, void *scratch) {
  const midge_conv_2d_s8_params *params = all_params;
  const midge_window *window = &params->window;
  int8_t *output = row;
  const int32_t input_row = window->input_width * window->input_channels;
  const int32_t step = window->stride_width * window->input_channels;
  const int32_t x = begin * window->stride_width - window->padding_left;
  (void)scratch;
  window_runs runs = {(const int8_t *)image + (ptrdiff_t)y * input_row + (ptrdiff_t)x * window->input_channels,
                      window->filter_height, window->filter_width * window->input_channels, 0};
  if (runs.runs > 1) {
    runs.stride = window->dilation_height * input_row;
  }
  for (int32_t column = begin; column < end; ++column) {
    convolve_group(params, &runs, 0, window->output_channels, output + (ptrdiff_t)column * window->output_channels);
    runs.first += step;
  }
}

void midge_conv_2d_s8(const midge_conv_2d_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
  midge_walk_rows(&params->window, 1, params, convolve_border, convolve_interior, input, output, scratch);
}
