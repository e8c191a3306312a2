#include "fully_connected_segments_nibbles_s8.h"

void midge_fully_connected_segments_nibbles_s8(const midge_fully_connected_segments_nibbles_s8_params *params,
                                               const int8_t *input, int8_t *output) {
  midge_fully_connected_segments_nibbles_s8_body(params, input, output);
}
