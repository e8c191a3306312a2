/* Control flow of midge_conv_2d_joined_packed_s8, inline so that a layer with constant shapes can have its own
 * instance. */
#ifndef MIDGE_CONV_2D_JOINED_PACKED_S8_H
#define MIDGE_CONV_2D_JOINED_PACKED_S8_H

#include "joined_packed.h"

static inline int32_t midge_joined_expand_unpacked(const midge_conv_2d_joined_s8_params *params, const int8_t *weights,
                                                   int32_t segment, int32_t **words) {
  const midge_window *window = &params->window;
  const int32_t depth = window->filter_height * window->filter_width * window->input_channels;
  *words = midge_joined_expand_s8(weights, depth, *words);
  return segment;
}

static inline void midge_conv_2d_joined_packed_s8_body(const midge_conv_2d_joined_packed_s8_params *params,
                                                       const int8_t *input, int8_t *output, void *scratch) {
  midge_joined_packed_body(params, midge_joined_expand_unpacked, midge_joined_dot_s8, input, output, scratch);
}

#endif
