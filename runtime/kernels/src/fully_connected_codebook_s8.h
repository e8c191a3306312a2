#ifndef MIDGE_FULLY_CONNECTED_CODEBOOK_S8_H
#define MIDGE_FULLY_CONNECTED_CODEBOOK_S8_H

#include "fully_connected_pairs.h"
#include "packed.h"

static inline void midge_fully_connected_codebook_s8_body(const midge_fully_connected_codebook_s8_params *params,
                                                          const int8_t *input, int8_t *output, void *scratch) {
  int32_t *table = scratch;
  midge_codebook_expand(midge_codebook(params->blocks, params->block_words, params->output_channels), table);
  midge_fully_connected_pairs_body(params, midge_codebook_row_s8, input, output, table + MIDGE_CODEBOOK_PAIRS);
  midge_packed_clamp(output, params->batches * params->output_channels, params->activation_min,
                     params->activation_max);
}

#endif
