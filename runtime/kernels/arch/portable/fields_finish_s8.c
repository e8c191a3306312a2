#include "inner_loops.h"
#include "requantize.h"

void midge_fields_finish_s8(const int32_t *sums, int32_t pixels, const midge_fields_scale *scale, int8_t *output) {
  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    const int32_t x = sums[pixel];
    const int32_t scaled = x + (int32_t)(((int64_t)x * scale->multiplier + ((int64_t)1 << 31)) >> 32);
    const int32_t signless = scaled + (scaled >> 31);
    *output = (int8_t)midge_clamp((signless + scale->rounding) >> scale->shift, scale->minimum, scale->maximum);
    output += scale->stride;
  }
}
