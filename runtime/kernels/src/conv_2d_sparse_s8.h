/* Control flow of midge_conv_2d_sparse_s8, inline so that a layer with constant shapes can have its own instance. */
#ifndef MIDGE_CONV_2D_SPARSE_S8_H
#define MIDGE_CONV_2D_SPARSE_S8_H

#include <stddef.h>

#include "sparse.h"

static inline void midge_conv_2d_sparse_s8_body(const midge_conv_2d_sparse_s8_params *params, const int8_t *input,
                                                int8_t *output, void *scratch) {
  const midge_window *window = &params->window;
  const ptrdiff_t row_bytes = (ptrdiff_t)window->input_width * window->input_channels;
  midge_sparse_job job;
  job.depth = window->input_channels;
  job.lists = params->lists;
  job.records = params->records;
  job.channels = window->output_channels;
  job.output = output;
  job.zero_point = params->output_zero_point;
  job.low = params->activation_min;
  job.high = params->activation_max;
  job.step = window->stride_width * window->input_channels;
  job.tile = scratch;

  for (int32_t batch = 0; batch < window->batches; ++batch) {
    const int8_t *row = input;
    for (int32_t y = 0; y < window->output_height; ++y) {
      job.input = row;
      for (int32_t left = window->output_width; left > 0; left -= job.pixels) {
        job.pixels = left < MIDGE_SPARSE_PIXELS ? left : MIDGE_SPARSE_PIXELS;
        midge_sparse_tile_s8(&job);
        job.output += (ptrdiff_t)job.pixels * job.channels;
        if (left > MIDGE_SPARSE_PIXELS) { /* else a pointer to the next one might lie outside the image */
          job.input += (ptrdiff_t)MIDGE_SPARSE_PIXELS * job.step;
        }
      }
      if (y + 1 < window->output_height) {
        row += window->stride_height * row_bytes;
      }
    }
    input += window->input_height * row_bytes;
  }
}

#endif
