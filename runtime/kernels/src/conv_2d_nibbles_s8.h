#ifndef MIDGE_CONV_2D_NIBBLES_S8_H
#define MIDGE_CONV_2D_NIBBLES_S8_H

#include "conv_2d_pairs.h"
#include "packed.h"

static inline void midge_conv_2d_nibbles_s8_body(const midge_conv_2d_nibbles_s8_params *params, const int8_t *input,
                                                 int8_t *output, void *scratch) {
  const midge_window *window = &params->window;
  midge_conv_2d_pairs_body(params, midge_nibbles_conv_s8, input, output, scratch);
  midge_packed_clamp(output, window->batches * window->output_height * window->output_width * window->output_channels,
                     params->activation_min, params->activation_max);
}

#endif
