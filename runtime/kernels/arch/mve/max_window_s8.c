#include <arm_mve.h>

#include "inner_loops.h"

void midge_max_window_s8(const midge_max_pool_2d_s8_params *params, const int8_t *first, int32_t rows, int32_t columns,
                         int8_t *output) {
  const int32_t channels = params->window.input_channels;
  const int32_t row_stride = params->window.input_width * channels;
  const int8x16_t low = vdupq_n_s8((int8_t)params->activation_min);
  const int8x16_t high = vdupq_n_s8((int8_t)params->activation_max);

  for (int32_t channel = 0; channel < channels; channel += 16) {
    const mve_pred16_t inside = vctp8q((uint32_t)(channels - channel));
    int8x16_t greatest = low;
    for (int32_t y = 0; y < rows; ++y) {
      const int8_t *pixel = first + y * row_stride + channel;
      for (int32_t x = 0; x < columns; ++x) {
        greatest = vmaxq_s8(greatest, vldrbq_z_s8(pixel, inside));
        pixel += channels;
      }
    }
    /* Lanes beyond the channels have seen zeros and are not stored. */
    vstrbq_p_s8(output + channel, vminq_s8(greatest, high), inside);
  }
}
