#include "joined.h"
#include "requantize.h"

void midge_joined_finish_s8(const midge_conv_2d_joined_s8_params *params, const int32_t *sum, const int32_t *records,
                     int32_t channels, int8_t *output) {
  const int32_t zero_point = params->output_zero_point;
  const int32_t low = params->activation_min;
  const int32_t high = params->activation_max;
  const int32_t *end = sum + channels;

  do {
    *output++ = midge_requantize_record_s8(*sum++, records, zero_point, low, high);
    records += 3;
  } while (sum != end);
}
