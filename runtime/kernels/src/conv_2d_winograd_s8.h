/* Control flow of midge_conv_2d_winograd_s8, inline so that a layer with constant shapes can have its own instance. */
#ifndef MIDGE_CONV_2D_WINOGRAD_S8_H
#define MIDGE_CONV_2D_WINOGRAD_S8_H

#include <stddef.h>
#include <stdint.h>

#include "inner_loops.h"
#include "memory_functions.h"
#include "midge/kernels.h"
#include "winograd.h"

/* The 4x4 pixels of all tiles of one row of tiles: [columns][channels / 4] groups of the four rows' words, each four
 * channels of one pixel. Moves the last two rows up and adds the image's rows y and y + 1 below. */
static inline void midge_winograd_next_rows(const midge_conv_2d_winograd_s8_params *params, const int8_t *image,
                                            int32_t y, int32_t columns, int32_t *strip) {
  const midge_window *window = &params->window;
  const int32_t quads = window->input_channels / 4;
  const int32_t padding = (int32_t)((uint32_t)(uint8_t)params->input_zero_point * 0x01010101u);
  const ptrdiff_t row_bytes = (ptrdiff_t)window->input_width * window->input_channels;
  const int8_t *upper = y >= 0 && y < window->input_height ? image + y * row_bytes : NULL;
  const int8_t *lower = y + 1 >= 0 && y + 1 < window->input_height ? image + (y + 1) * row_bytes : NULL;
  const int32_t left = window->padding_left;
  const int32_t right = left + window->input_width;

  for (int32_t column = 0; column < columns; ++column) {
    const int32_t *end = strip + 4 * (ptrdiff_t)quads;
    if (column < left || column >= right || (upper == NULL && lower == NULL)) {
      for (; strip != end; strip += 4) {
        strip[0] = strip[2];
        strip[1] = strip[3];
        strip[2] = padding;
        strip[3] = padding;
      }
      continue;
    }
    for (; strip != end; strip += 4) {
      int32_t above = padding;
      int32_t below = padding;
      if (upper != NULL) {
        memcpy(&above, upper, 4);
        upper += 4;
      }
      if (lower != NULL) {
        memcpy(&below, lower, 4);
        lower += 4;
      }
      strip[0] = strip[2];
      strip[1] = strip[3];
      strip[2] = above;
      strip[3] = below;
    }
  }
}

/* The outputs of one output channel of a block of tiles, the first of which is tile `tile` of its row. */
static inline void midge_winograd_store_block(const midge_window *window, const midge_winograd_scale *scale,
                                              const int32_t *products, int32_t tile, int32_t rows, int8_t *output) {
  const int32_t whole = rows == 2 ? window->output_width / 2 - tile : 0;
  const int32_t all = (window->output_width + 1) / 2 - tile;
  const int32_t count = all < MIDGE_WINOGRAD_TILES ? all : MIDGE_WINOGRAD_TILES;
  const int32_t inner = count < whole ? count : whole;
  const ptrdiff_t step = 2 * (ptrdiff_t)scale->pixel_stride;

  output += tile * step;
  if (inner > 0) {
    midge_winograd_finish_s8(products, inner, scale, output);
  }
  for (int32_t i = inner; i < count; ++i) {
    int8_t pixels[4];
    midge_winograd_scale packed = *scale;
    packed.pixel_stride = 1;
    packed.row_stride = 2;
    midge_winograd_finish_s8(products + 2 * i, 1, &packed, pixels);
    int8_t *target = output + i * step;
    const int32_t has_right = 2 * (tile + i) + 1 < window->output_width;
    target[0] = pixels[0];
    if (has_right) {
      target[scale->pixel_stride] = pixels[1];
    }
    if (rows == 2) {
      target[scale->row_stride] = pixels[2];
      if (has_right) {
        target[scale->row_stride + scale->pixel_stride] = pixels[3];
      }
    }
  }
}

/* All output channels of one row of tiles, transformed. */
static inline void midge_winograd_multiply_row(const midge_conv_2d_winograd_s8_params *params, int32_t rows,
                                               const int32_t *tiles, int32_t blocks, int32_t *products,
                                               int8_t *output) {
  const midge_window *window = &params->window;
  const int32_t words = window->input_channels / 2;
  const ptrdiff_t block_words = (ptrdiff_t)MIDGE_WINOGRAD_PLACES * MIDGE_WINOGRAD_TILES * words;
  const int32_t *weights = params->weights;
  const int32_t *record = params->records;
  midge_winograd_scale scales[2];

  for (int32_t i = 0; i < 2; ++i) {
    scales[i].pixel_stride = window->output_channels;
    scales[i].row_stride = window->output_width * window->output_channels;
    scales[i].minimum = params->activation_min;
    scales[i].maximum = params->activation_max;
  }
  for (int32_t channel = 0; channel < window->output_channels; channel += 2) {
    for (int32_t i = 0; i < 2; ++i) {
      scales[i].bias = record[0];
      scales[i].multiplier = record[1];
      scales[i].shift = record[2];
      scales[i].rounding = (2 * params->output_zero_point + 1) * ((int32_t)1 << (record[2] - 1));
      record += 3;
    }
    const int32_t *block = tiles;
    for (int32_t tile = 0; tile < MIDGE_WINOGRAD_TILES * blocks; tile += MIDGE_WINOGRAD_TILES) {
      midge_winograd_multiply_s16(block, weights, words, products);
      midge_winograd_store_block(window, &scales[0], products, tile, rows, output + channel);
      midge_winograd_store_block(window, &scales[1], products + 1, tile, rows, output + channel + 1);
      block += block_words;
    }
    weights += (ptrdiff_t)MIDGE_WINOGRAD_PLACES * 2 * words;
  }
}

static inline void midge_conv_2d_winograd_s8_body(const midge_conv_2d_winograd_s8_params *params, const int8_t *input,
                                                  int8_t *output, void *scratch) {
  const midge_window *window = &params->window;
  const int32_t words = window->input_channels / 2;
  const int32_t columns = (window->output_width + 1) / 2;
  const int32_t blocks = (columns + MIDGE_WINOGRAD_TILES - 1) / MIDGE_WINOGRAD_TILES;
  int32_t *tiles = scratch;
  int32_t *products = tiles + (ptrdiff_t)blocks * MIDGE_WINOGRAD_PLACES * MIDGE_WINOGRAD_TILES * words;
  int32_t *strip = products + 2 * MIDGE_WINOGRAD_PLACES * MIDGE_WINOGRAD_TILES;

  for (int32_t batch = 0; batch < window->batches; ++batch) {
    midge_winograd_next_rows(params, input, -window->padding_top, 2 * columns + 2, strip);
    for (int32_t row = 0; row < window->output_height; row += 2) {
      const int32_t rows = row + 2 <= window->output_height ? 2 : 1;
      midge_winograd_next_rows(params, input, row + 2 - window->padding_top, 2 * columns + 2, strip);
      for (int32_t word = 0; word < words; ++word) {
        midge_winograd_transform_s8(strip, words, word, columns, tiles);
      }
      midge_winograd_multiply_row(params, rows, tiles, blocks, products, output);
      output += (ptrdiff_t)rows * window->output_width * window->output_channels;
    }
    input += (ptrdiff_t)window->input_height * window->input_width * window->input_channels;
  }
}

#endif
