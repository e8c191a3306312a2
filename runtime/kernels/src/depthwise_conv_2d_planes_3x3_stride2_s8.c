#include "depthwise_conv_2d_planes_3x3_stride2_s8.h"

void midge_depthwise_conv_2d_planes_3x3_stride2_s8(const midge_depthwise_conv_2d_planes_3x3_stride2_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
  midge_depthwise_conv_2d_planes_3x3_stride2_s8_body(params, input, output, scratch);
}
