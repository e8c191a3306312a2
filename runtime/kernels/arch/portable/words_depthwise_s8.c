#include <stddef.h>

#include "inner_loops.h"
#include "midge/kernels.h"
#include "requantize.h"

void midge_words_depthwise_s8(const midge_depthwise_conv_2d_words_s8_params *params, const int8_t *words,
                              int32_t channel, int32_t channels, int32_t pixels, int8_t *output, int32_t *sums) {
  const midge_window *window = &params->window;
  const int32_t taps = window->filter_height * window->filter_width;
  const int32_t step = 4 * window->stride_width * params->pass_channels;

  (void)sums;
  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    for (int32_t i = 0; i < channels; ++i) {
      /* The last block ends with the last channel and may have begun with channels of the block before. */
      const int32_t block = i / 4 * 4 + 4 > channels ? channels - 4 : i / 4 * 4;
      const int32_t *record = params->records + 12 * ((channel + i) / 4) + (i - block);
      const int8_t *weights = params->weights + (ptrdiff_t)(channel + i) * taps;
      const int8_t *first = words + (ptrdiff_t)pixel * step + (ptrdiff_t)4 * i;
      int32_t sum = record[0];
      for (int32_t lane = 0; lane < 16 * params->vectors; ++lane) {
        if ((params->lane_masks[lane / 16] >> lane % 16 & 1) != 0) {
          sum = midge_add_wrap(sum, first[params->word_offsets[lane / 4] + lane % 4] * weights[params->lane_taps[lane]]);
        }
      }
      output[(ptrdiff_t)pixel * window->output_channels + channel + i] =
          midge_requantize_s8(sum, record[4], record[8], params->output_zero_point, params->activation_min,
                              params->activation_max);
    }
  }
}
