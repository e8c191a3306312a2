/* Control flow of midge_fully_connected_sparse_s8, inline so that a layer with constant shapes can have its own
 * instance. */
#ifndef MIDGE_FULLY_CONNECTED_SPARSE_S8_H
#define MIDGE_FULLY_CONNECTED_SPARSE_S8_H

#include "sparse.h"

static inline void midge_fully_connected_sparse_s8_body(const midge_fully_connected_sparse_s8_params *params,
                                                        const int8_t *input, int8_t *output) {
  midge_sparse_job job;
  job.input = input;
  job.depth = params->depth;
  job.lists = params->lists;
  job.records = params->records;
  job.channels = params->output_channels;
  job.output = output;
  job.zero_point = params->output_zero_point;
  job.low = params->activation_min;
  job.high = params->activation_max;

  for (int32_t batch = 0; batch < params->batches; ++batch) {
    midge_sparse_row_s8(&job);
    job.input += params->depth;
    job.output += params->output_channels;
  }
}

#endif
