#include "inner_loops.h"

void midge_lanes_short_conv_s8(const midge_conv_2d_lanes_s8_params *params, const int8_t *window, int32_t pixel_step,
                               int32_t pixels, int8_t *output) {
  midge_lanes_conv_s8(params, window, pixel_step, params->run_length, pixels, output);
}
