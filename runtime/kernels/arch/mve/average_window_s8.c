#include <arm_mve.h>
#include <stddef.h>

#include "inner_loops.h"
#include "pool.h"
#include "requantize.h"

void midge_average_window_s8(const midge_average_pool_2d_s8_params *params, const int8_t *first, int32_t rows,
                             int32_t columns, int8_t *output) {
  const int32_t channels = params->window.input_channels;
  const int32_t row_stride = params->window.input_width * channels;
  const int32_t count = rows * columns;

  for (int32_t channel = 0; channel < channels; channel += 4) {
    const int32_t together = channels - channel < 4 ? channels - channel : 4;
    const mve_pred16_t inside = vctp32q((uint32_t)together);
    int32x4_t sum = vdupq_n_s32(0);
    int32_t sums[4];
    for (int32_t y = 0; y < rows; ++y) {
      const int8_t *pixel = first + y * row_stride + channel;
      for (int32_t x = 0; x < columns; ++x) {
        sum = vaddq_s32(sum, vldrbq_z_s32(pixel, inside));
        pixel += channels;
      }
    }
    vstrwq_s32(sums, sum);
    for (int32_t i = 0; i < together; ++i) {
      output[channel + i] =
          (int8_t)midge_clamp(midge_pool_quotient(sums[i], count), params->activation_min, params->activation_max);
    }
  }
}
