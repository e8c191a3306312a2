/* Control flow of midge_conv_2d_sparse_s8, inline so that a layer with constant shapes can have its own instance. */
#ifndef MIDGE_CONV_2D_SPARSE_S8_H
#define MIDGE_CONV_2D_SPARSE_S8_H

#include "sparse.h"
#include "tiles.h"

static inline void midge_conv_2d_sparse_s8_body(const midge_conv_2d_sparse_s8_params *params, const int8_t *input,
                                                int8_t *output, void *scratch) {
  const midge_window *window = &params->window;
  midge_tiles tiles = midge_first_tile(window, MIDGE_SPARSE_PIXELS, input, output);
  midge_sparse_job job;
  job.depth = window->input_channels;
  job.lists = params->lists;
  job.records = params->records;
  job.channels = window->output_channels;
  job.zero_point = params->output_zero_point;
  job.low = params->activation_min;
  job.high = params->activation_max;
  job.step = window->stride_width * window->input_channels;
  job.tile = scratch;

  for (; tiles.pixels > 0; midge_next_tile(window, MIDGE_SPARSE_PIXELS, &tiles)) {
    job.input = tiles.input;
    job.output = tiles.output;
    job.pixels = tiles.pixels;
    midge_sparse_tile_s8(&job);
  }
}

#endif
