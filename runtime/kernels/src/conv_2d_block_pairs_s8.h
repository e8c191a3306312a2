/* Control flow of midge_conv_2d_block_pairs_s8, inline so that a layer with constant shapes can have its own instance. */
#ifndef MIDGE_CONV_2D_BLOCK_PAIRS_S8_H
#define MIDGE_CONV_2D_BLOCK_PAIRS_S8_H

#include "blocks.h"
#include "tiles.h"

static inline void midge_conv_2d_block_pairs_s8_body(const midge_conv_2d_block_pairs_s8_params *params, const int8_t *input,
                                                int8_t *output, void *scratch) {
  const midge_window *window = &params->window;
  midge_tiles tiles = midge_first_tile(window, 2, input, output);
  midge_block_tile job;
  job.depth = window->input_channels;
  job.step = window->stride_width * window->input_channels;
  job.tile = scratch;
  job.places = NULL;
  job.blocks = params->groups;
  job.records = params->records;
  job.channels = window->output_channels;
  job.zero_point = params->output_zero_point;
  job.low = params->activation_min;
  job.high = params->activation_max;

  for (; tiles.pixels > 0; midge_next_tile(window, 2, &tiles)) {
    job.input = tiles.input;
    job.output = tiles.output;
    job.pixels = tiles.pixels;
    midge_block_pairs_tile_s8(&job);
  }
}

#endif
