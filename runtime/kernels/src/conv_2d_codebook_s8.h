#ifndef MIDGE_CONV_2D_CODEBOOK_S8_H
#define MIDGE_CONV_2D_CODEBOOK_S8_H

#include "conv_2d_pairs.h"
#include "packed.h"

static inline void midge_conv_2d_codebook_s8_body(const midge_conv_2d_codebook_s8_params *params, const int8_t *input,
                                                  int8_t *output, void *scratch) {
  const midge_window *window = &params->window;
  int32_t *table = scratch;
  midge_codebook_expand(midge_codebook(params->blocks, params->block_words, window->output_channels), table);
  midge_conv_2d_pairs_body(params, midge_codebook_conv_s8, input, output, table + MIDGE_CODEBOOK_PAIRS);
  midge_packed_clamp(output, window->batches * window->output_height * window->output_width * window->output_channels,
                     params->activation_min, params->activation_max);
}

#endif
