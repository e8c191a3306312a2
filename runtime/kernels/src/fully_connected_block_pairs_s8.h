/* Control flow of midge_fully_connected_block_pairs_s8, inline so that a layer with constant shapes can have its own
 * instance. */
#ifndef MIDGE_FULLY_CONNECTED_BLOCK_PAIRS_S8_H
#define MIDGE_FULLY_CONNECTED_BLOCK_PAIRS_S8_H

#include "blocks.h"

static inline void midge_fully_connected_block_pairs_s8_body(const midge_fully_connected_block_pairs_s8_params *params,
                                                             const int8_t *input, int8_t *output, void *scratch) {
  midge_blocks_job job = midge_blocks_first_job(params, input, output, scratch);

  for (int32_t batch = 0; batch < params->batches; ++batch) {
    midge_block_pairs_row_s8(&job);
    job.input += params->depth;
    job.output += params->output_channels;
  }
}

#endif
