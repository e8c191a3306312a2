/* Control flow of midge_fully_connected_blocks_s8, inline so that a layer with constant shapes can have its own
 * instance. */
#ifndef MIDGE_FULLY_CONNECTED_BLOCKS_S8_H
#define MIDGE_FULLY_CONNECTED_BLOCKS_S8_H

#include "blocks.h"
#include "memory_functions.h"

static inline void midge_fully_connected_blocks_s8_body(const midge_fully_connected_blocks_s8_params *params,
                                                        const int8_t *input, int8_t *output, void *scratch) {
  const int32_t depth = params->depth;
  midge_blocks_job job = midge_blocks_first_job(params, input, output, scratch);
  job.depth = depth + (depth & 1);

  for (int32_t batch = 0; batch < params->batches; ++batch) {
    job.input = input;
    if (depth & 1) {
      memcpy(scratch, input, (size_t)depth);
      ((int8_t *)scratch)[depth] = 0;
      job.input = scratch;
    }
    midge_blocks_row_s8(&job);
    input += depth;
    job.output += params->output_channels;
  }
}

#endif
