#include "conv_2d_segments_packed_s8.h"

void midge_conv_2d_segments_packed_s8(const midge_conv_2d_segments_packed_s8_params *params, const int8_t *input,
                                      int8_t *output, void *scratch) {
  midge_conv_2d_segments_packed_s8_body(params, input, output, scratch);
}
