#ifndef MIDGE_FULLY_CONNECTED_PAIRS_S8_H
#define MIDGE_FULLY_CONNECTED_PAIRS_S8_H

#include "pairs.h"

/* The kernels midge_fully_connected_pairs*_s8 with the loop that ends as they do. */
static inline void midge_fully_connected_pairs_body(const midge_fully_connected_pairs_s8_params *params,
                                                    void (*loop)(const midge_pairs_job *), const int8_t *input,
                                                    int8_t *output, void *scratch) {
  const int32_t depth = params->depth;
  const int32_t quads = depth / 4;
  const int32_t left_over = depth % 8;
  int16_t *row = scratch;
  midge_pairs_job job = {.patch = row,
                         .patch_end = row + 8 * (ptrdiff_t)((depth + 7) / 8),
                         .rounding = 2 * params->output_zero_point + 1,
                         .low = params->activation_min,
                         .high = params->activation_max};

  for (int32_t batch = 0; batch < params->batches; ++batch) {
    int16_t *end = midge_pairs_widen_row_s8(input, quads & ~1, row);
    if (left_over > 0) {
      int8_t rest[8] = {0, 0, 0, 0, 0, 0, 0, 0};
      midge_pairs_copy(rest, input + depth - left_over, left_over);
      midge_pairs_widen_row_s8(rest, 2, end);
    }
    midge_pairs_all_channels(loop, &job, params->blocks, params->block_words, params->output_channels, output, 0);
    input += depth;
    output += params->output_channels;
  }
}

#endif
