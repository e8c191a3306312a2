#ifndef MIDGE_FULLY_CONNECTED_PAIRS_H
#define MIDGE_FULLY_CONNECTED_PAIRS_H

#include "pairs.h"

/* The kernels midge_fully_connected_pairs*_s8 with the loop that ends as they do. */
static inline void midge_fully_connected_pairs_body(const midge_fully_connected_pairs_s8_params *params,
                                                    void (*loop)(const midge_pairs_job *), const int8_t *input,
                                                    int8_t *output, void *scratch) {
  const int32_t depth = params->depth;
  const int32_t units = depth >> 3;
  const int32_t left_over = depth & 7;
  int16_t *row = scratch;
  midge_pairs_job job;
  job.patch = row;
  job.patch_end = row + 8 * (ptrdiff_t)((depth + 7) >> 3);
  job.zero_point = params->output_zero_point;
  job.low = params->activation_min;
  job.high = params->activation_max;

  for (int32_t batch = 0; batch < params->batches; ++batch) {
    midge_pairs_widen_row_s8(input, units, row);
    if (left_over > 0) {
      int8_t rest[8] = {0, 0, 0, 0, 0, 0, 0, 0};
      midge_pairs_copy_rows(rest, 0, input + 8 * units, 0, 1, left_over);
      midge_pairs_widen_row_s8(rest, 1, row + 8 * units);
    }
    midge_pairs_all_channels(loop, &job, params->blocks, params->block_words, params->output_channels, output, 0);
    input += depth;
    output += params->output_channels;
  }
}

#endif
