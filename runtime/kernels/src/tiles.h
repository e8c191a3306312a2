/* Pixels of a 1x1 convolution, a few of one row at a time. */
#ifndef MIDGE_TILES_H
#define MIDGE_TILES_H

#include <stddef.h>
#include <stdint.h>

#include "midge/kernels.h"

typedef struct {
  const int8_t *image;
  int32_t images; /* from this one on */
  int32_t row;    /* of the output */
  int32_t column;
  const int8_t *input; /* the tile's first pixel's */
  int8_t *output;
  int32_t pixels; /* 0 behind the last tile */
} midge_tiles;

static inline int32_t midge_tile_pixels(int32_t left, int32_t most) { return left < most ? left : most; }

/* The first tile, of at most `most` pixels. */
static inline midge_tiles midge_first_tile(const midge_window *window, int32_t most, const int8_t *input,
                                           int8_t *output) {
  const midge_tiles tiles = {
      input, window->batches, 0, 0, input, output, midge_tile_pixels(window->output_width, most)};
  return tiles;
}

static inline void midge_next_tile(const midge_window *window, int32_t most, midge_tiles *tiles) {
  const ptrdiff_t row_bytes = (ptrdiff_t)window->input_width * window->input_channels;
  tiles->output += (ptrdiff_t)tiles->pixels * window->output_channels;
  tiles->column += tiles->pixels;
  if (tiles->column < window->output_width) {
    tiles->input += (ptrdiff_t)tiles->pixels * window->stride_width * window->input_channels;
  } else {
    tiles->column = 0;
    if (++tiles->row == window->output_height) {
      tiles->row = 0;
      tiles->image += window->input_height * row_bytes;
      --tiles->images;
    }
    tiles->input = tiles->image + tiles->row * window->stride_height * row_bytes;
  }
  tiles->pixels = tiles->images > 0 ? midge_tile_pixels(window->output_width - tiles->column, most) : 0;
}

#endif
