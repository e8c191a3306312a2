#ifndef MIDGE_FULLY_CONNECTED_PAIRS_LINEAR_S8_H
#define MIDGE_FULLY_CONNECTED_PAIRS_LINEAR_S8_H

#include "fully_connected_pairs.h"

static inline void midge_fully_connected_pairs_linear_s8_body(const midge_fully_connected_pairs_linear_s8_params *params,
                                                              const int8_t *input, int8_t *output, void *scratch) {
  midge_fully_connected_pairs_body(params, midge_pairs_row_linear_s8, input, output, scratch);
}

#endif
