/* What kernels with a sliding window share. */
#ifndef MIDGE_WINDOW_H
#define MIDGE_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "midge/kernels.h"

/* Computes the output pixels [begin, end) of one row, which begins at `row`. The windows' first row is y, which may lie
 * outside the image. */
typedef void (*midge_span)(const void *params, const void *image, int32_t y, int32_t begin, int32_t end, void *row,
                           void *scratch);

/* Computes all images of a batch row by row: `interior` where the windows lie inside the image and need no gathering,
 * `border` elsewhere. Inline, so that both become direct calls. element_size is in bytes. */
static inline void midge_walk_rows(const midge_window *window, ptrdiff_t element_size, const void *params,
                                   midge_span border, midge_span interior, const void *input, void *output,
                                   void *scratch) {
  const ptrdiff_t image_bytes =
      (ptrdiff_t)window->input_height * window->input_width * window->input_channels * element_size;
  const ptrdiff_t row_bytes = (ptrdiff_t)window->output_width * window->output_channels * element_size;
  const uint8_t *image = input;
  uint8_t *target = output;

  for (int32_t batch = 0; batch < window->batches; ++batch) {
    for (int32_t row = 0; row < window->output_height; ++row) {
      const int32_t y = row * window->stride_height - window->padding_top;
      int32_t left = window->output_width;
      int32_t right = window->output_width;
      if (row >= window->interior_top && row < window->interior_bottom) {
        left = window->interior_left;
        right = window->interior_right;
      }
      border(params, image, y, 0, left, target, scratch);
      if (left < right) { /* elsewhere even a pointer to the first window would lie outside the image */
        interior(params, image, y, left, right, target, scratch);
      }
      border(params, image, y, right, window->output_width, target, scratch);
      target += row_bytes;
    }
    image += image_bytes;
  }
}

/* Copies one window, dense, to `patch`: [filter_height][filter_width][channels], taking `channels` channels of every
 * pixel from channel_offset on. (y, x) is the window's first pixel and may lie outside the image; pixels outside become
 * elements whose bytes are all `padding`. element_size is in bytes. */
void midge_gather_window(const midge_window *window, const void *image, int32_t element_size, int32_t y, int32_t x,
                         int32_t channel_offset, int32_t channels, int8_t padding, void *patch);

/* Copies one int8 image to int16, with rows and columns of padding around it: padded_height rows, padded_width pixels.
 * The image begins padding_top rows and padding_left columns in; what does not fit is left out. */
void midge_widen_image(const midge_window *window, int32_t padded_height, int32_t padded_width, int32_t padding,
                       const int8_t *image, int16_t *padded);

#endif
