/* Control flow of midge_conv_2d_segments_packed_s8, inline so that a layer with constant shapes can have its own
 * instance. */
#ifndef MIDGE_CONV_2D_SEGMENTS_PACKED_S8_H
#define MIDGE_CONV_2D_SEGMENTS_PACKED_S8_H

#include "joined_packed.h"

static inline void midge_conv_2d_segments_packed_s8_body(const midge_conv_2d_segments_packed_s8_params *params,
                                                         const int8_t *input, int8_t *output, void *scratch) {
  midge_joined_packed_body(params, midge_segments_expand_s8, midge_segments_dot_s8, input, output, scratch);
}

#endif
