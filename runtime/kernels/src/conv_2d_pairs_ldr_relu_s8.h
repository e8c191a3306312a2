#ifndef MIDGE_CONV_2D_PAIRS_LDR_RELU_S8_H
#define MIDGE_CONV_2D_PAIRS_LDR_RELU_S8_H

#include "conv_2d_pairs.h"

static inline void midge_conv_2d_pairs_ldr_relu_s8_body(const midge_conv_2d_pairs_ldr_relu_s8_params *params,
                                                        const int8_t *input, int8_t *output, void *scratch) {
  midge_conv_2d_pairs_body(params, midge_pairs_conv_ldr_relu_s8, input, output, scratch);
}

#endif
