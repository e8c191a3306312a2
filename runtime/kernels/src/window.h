/* What kernels with a sliding window share. */
#ifndef MIDGE_WINDOW_H
#define MIDGE_WINDOW_H

#include <stdint.h>

#include "midge/kernels.h"

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
