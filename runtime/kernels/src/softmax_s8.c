#include "midge/kernels.h"
#include "requantize.h"

/* x * 2^2, saturating. */
static int32_t times_four(int32_t x) {
  const int32_t limit = 1 << 29;
  return x >= limit ? INT32_MAX : x < -limit ? INT32_MIN : x * 4;
}

/* 1 / (1 + x) for x in [0, 1), both with 31 fractional bits: three Newton-Raphson steps for the reciprocal of the
 * halved denominator, which has 29 fractional bits, from 48/17 - 32/17 d. */
static int32_t one_over_one_plus(int32_t x) {
  const int32_t half = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
  int32_t y = 1515870810 + midge_saturating_doubling_high_mul(half, -1010580540); /* 48/17 and 32/17 times 2^29 */
  for (int step = 0; step < 3; ++step) {
    const int32_t error = (1 << 29) - midge_saturating_doubling_high_mul(half, y);
    y = y + times_four(midge_saturating_doubling_high_mul(y, error));
  }
  return y >= 1 << 30 ? INT32_MAX : y * 2;
}

void midge_softmax_s8(const midge_softmax_s8_params *params, const int8_t *input, int8_t *output) {
  const int32_t depth = params->depth;
  for (int32_t row = 0; row < params->rows; ++row) {
    int32_t greatest = input[0];
    for (int32_t i = 1; i < depth; ++i) {
      greatest = input[i] > greatest ? input[i] : greatest;
    }
    int32_t sum = 0; /* 19 fractional bits: at least 2^19 for the greatest itself, below 2^31 */
    for (int32_t i = 0; i < depth; ++i) {
      sum += midge_rounding_divide(params->exponentials[greatest - input[i]], 12);
    }
    int32_t headroom = 0;
    while ((uint32_t)sum << headroom < (uint32_t)1 << 31) {
      ++headroom;
    }
    const int32_t reciprocal = one_over_one_plus((int32_t)(((uint32_t)sum << headroom) - ((uint32_t)1 << 31)));
    const int32_t exponent = 12 - headroom + 31 - 8;
    for (int32_t i = 0; i < depth; ++i) {
      const int32_t product = midge_doubling_high_mul(reciprocal, params->exponentials[greatest - input[i]]);
      /* Beyond 31 bits nothing is left: such a row has hundreds of equal classes. */
      const int32_t share = exponent > 31 ? 0 : midge_rounding_divide(product, exponent);
      output[i] = (int8_t)(share > 255 ? 127 : share - 128);
    }
    input += depth;
    output += depth;
  }
}
