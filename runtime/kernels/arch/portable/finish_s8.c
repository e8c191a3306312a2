#include "finish.h"

#include <stddef.h>

#include "requantize.h"

void midge_finish_channels_s8(const midge_output_range *range, const int32_t *sum, const int32_t *records,
                              int32_t count, int8_t *output) {
  for (int32_t i = 0; i < count; ++i) {
    output[i] =
        midge_requantize_record_s8(sum[i], records + (ptrdiff_t)3 * i, range->zero_point, range->low, range->high);
  }
}

void midge_finish_pixels_s8(const midge_output_range *range, const int32_t *sum, const int32_t record[3],
                            int32_t count, int8_t *output, int32_t stride) {
  for (int32_t i = 0; i < count; ++i) {
    output[(ptrdiff_t)i * stride] =
        midge_requantize_record_s8(sum[i], record, range->zero_point, range->low, range->high);
  }
}
