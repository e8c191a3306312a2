#include <stddef.h>

#include "inner_loops.h"
#include "memory_functions.h"
#include "midge/kernels.h"
#include "window.h"

/* Copies one image with its padding around it. */
static void pad_image(const midge_conv_2d_dot_s8_params *params, const int8_t *image, int8_t *padded) {
  const midge_window *window = &params->window;
  const int32_t channels = window->input_channels;
  const int32_t fitting_height = params->padded_height - window->padding_top;
  const int32_t fitting_width = params->padded_width - window->padding_left;
  const int32_t height = fitting_height < window->input_height ? fitting_height : window->input_height;
  const int32_t width = fitting_width < window->input_width ? fitting_width : window->input_width;
  const size_t row = (size_t)params->padded_width * (size_t)channels;
  const size_t left = (size_t)window->padding_left * (size_t)channels;
  const size_t inside = (size_t)width * (size_t)channels;

  memset(padded, params->input_zero_point, (size_t)params->padded_height * row + 3);
  padded += (size_t)window->padding_top * row + left;
  for (int32_t y = 0; y < height; ++y) {
    memcpy(padded, image, inside);
    padded += row;
    image += (size_t)window->input_width * (size_t)channels;
  }
}

void midge_conv_2d_dot_s8(const midge_conv_2d_dot_s8_params *params, const int8_t *input, int8_t *output,
                          void *scratch) {
  const midge_window *window = &params->window;
  const ptrdiff_t image_size = (ptrdiff_t)window->input_height * window->input_width * window->input_channels;
  const ptrdiff_t row = (ptrdiff_t)window->stride_height * params->padded_width * window->input_channels;
  const int32_t pixel_stride = window->stride_width * window->input_channels;

  for (int32_t batch = 0; batch < window->batches; ++batch) {
    pad_image(params, input, scratch);
    const int8_t *first = scratch;
    for (int32_t y = 0; y < window->output_height; ++y) {
      midge_dot_conv_s8(params, first, pixel_stride, window->output_width, output);
      first += row;
      output += (ptrdiff_t)window->output_width * window->output_channels;
    }
    input += image_size;
  }
}
