#ifndef MIDGE_FULLY_CONNECTED_NIBBLES_S8_H
#define MIDGE_FULLY_CONNECTED_NIBBLES_S8_H

#include "fully_connected_pairs.h"
#include "packed.h"

static inline void midge_fully_connected_nibbles_s8_body(const midge_fully_connected_nibbles_s8_params *params,
                                                         const int8_t *input, int8_t *output, void *scratch) {
  midge_fully_connected_pairs_body(params, midge_nibbles_row_s8, input, output, scratch);
  midge_packed_clamp(output, params->batches * params->output_channels, params->activation_min,
                     params->activation_max);
}

#endif
