#include <stddef.h>

#include "inner_loops.h"
#include "memory_functions.h"
#include "midge/kernels.h"
#include "window.h"

void midge_depthwise_conv_2d_wide_s8(const midge_depthwise_conv_2d_wide_s8_params *params, const int8_t *input,
                                     int8_t *output, void *scratch) {
  const midge_window *window = &params->window;
  const ptrdiff_t image_size = (ptrdiff_t)window->input_height * window->input_width * window->input_channels;
  const int32_t row = params->padded_width * window->input_channels;
  const int32_t pixel_stride = window->stride_width * window->input_channels;
  int16_t *padded = scratch;

  /* The elements that the last block of channels reads beside the image: unused, but they must be there. */
  memset(padded + (ptrdiff_t)params->padded_height * row, 0, 7 * sizeof(int16_t));
  for (int32_t batch = 0; batch < window->batches; ++batch) {
    midge_widen_image(window, params->padded_height, params->padded_width, params->input_zero_point, input, padded);
    for (int32_t y = 0; y < window->output_height; ++y) {
      midge_wide_depthwise_s8(params, padded + (ptrdiff_t)y * window->stride_height * row, pixel_stride,
                              window->output_width, output);
      output += (ptrdiff_t)window->output_width * window->output_channels;
    }
    input += image_size;
  }
}
