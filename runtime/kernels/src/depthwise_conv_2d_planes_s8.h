#ifndef MIDGE_DEPTHWISE_CONV_2D_PLANES_S8_H
#define MIDGE_DEPTHWISE_CONV_2D_PLANES_S8_H

#include "planes.h"

static inline void midge_depthwise_conv_2d_planes_s8_body(
    const midge_depthwise_conv_2d_planes_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
  midge_planes_body(params, input, output, scratch, 0, midge_planes_load_taps, midge_planes_taps_s8, midge_planes_taps_s8);
}

#endif
