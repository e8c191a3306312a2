/* Control flow of midge_fully_connected_segments_codebook_s8, inline so that a layer with constant shapes can have its
 * own instance. */
#ifndef MIDGE_FULLY_CONNECTED_SEGMENTS_CODEBOOK_S8_H
#define MIDGE_FULLY_CONNECTED_SEGMENTS_CODEBOOK_S8_H

#include <stddef.h>

#include "finish.h"
#include "masked.h"
#include "midge/kernels.h"

/* Writes the table of midge_codes_dot8_s8. */
static inline void midge_codes_expand(const int8_t *codebook, int32_t *table) {
  for (int32_t high = 0; high < 16; ++high) {
    const int32_t upper = codebook[high] * (1 << 16);
    for (int32_t low = 0; low < 16; ++low) {
      *table++ = upper + codebook[low];
    }
  }
}

static inline void midge_fully_connected_segments_codebook_s8_body(
    const midge_fully_connected_segments_codebook_s8_params *params, const int8_t *input, int8_t *output,
    void *scratch) {
  const midge_output_range range = {params->output_zero_point, params->activation_min, params->activation_max};
  int32_t *table = scratch;
  midge_masked_job job;
  job.depth = params->depth;
  midge_codes_expand((const int8_t *)params->weights, table);

  for (int32_t batch = 0; batch < params->batches; ++batch) {
    job.input = input;
    job.words = params->weights + 4;
    job.segments = params->segments;
    for (int32_t channel = 0; channel < params->output_channels; channel += 8) {
      const int32_t left = params->output_channels - channel;
      midge_codes_dot8_s8(&job, table);
      midge_finish_channels_s8(&range, job.sum, params->records + (ptrdiff_t)3 * channel, left < 8 ? left : 8,
                               output + channel);
    }
    input += params->depth;
    output += params->output_channels;
  }
}

#endif
