#include "block_s8.h"
#include "inner_loops.h"

void midge_wide_depthwise_s8(const midge_depthwise_conv_2d_wide_s8_params *params, const int16_t *window,
                             int32_t pixel_stride, int32_t pixels, int8_t *output) {
  const int32_t channels = params->window.output_channels;

  for (int32_t channel = 0; channel < channels; channel += 8) {
    const midge_block block =
        midge_load_block(params->bias, params->multiplier, params->shift, params->factor_step, channel,
                         params->output_zero_point, params->activation_min, params->activation_max);
    const int16_t *first = window + channel;
    int8_t *target = output + channel;
    for (int32_t pixel = 0; pixel < pixels; ++pixel) {
      const int16_t *weights = params->weights + (ptrdiff_t)channel * params->taps;
      int32x4_t sum0 = vdupq_n_s32(0);
      int32x4_t sum1 = sum0;
      for (int32_t tap = 0; tap < params->taps; tap += 2) {
        const int16x8_t even = vld1q_s16(first + params->tap_offsets[tap]);
        const int16x8_t odd = vld1q_s16(first + params->tap_offsets[tap + 1]);
        const int16x8x2_t w = vld2q_s16(weights);
        sum0 = vmlal_s16(sum0, vget_low_s16(even), vget_low_s16(w.val[0]));
        sum1 = vmlal_high_s16(sum1, even, w.val[0]);
        sum0 = vmlal_s16(sum0, vget_low_s16(odd), vget_low_s16(w.val[1]));
        sum1 = vmlal_high_s16(sum1, odd, w.val[1]);
        weights += 16;
      }
      midge_store_block(&block, sum0, sum1, channels - channel, target);
      first += pixel_stride;
      target += channels;
    }
  }
}
