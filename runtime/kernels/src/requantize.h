/* The fixed-point arithmetic of quantized operators, equal to TensorFlow Lite Micro's bit for bit.
 *
 * A factor is multiplier * 2^(shift - 31) with multiplier in [0, 2^31) and shift in [-31, 30]. Every function is
 * defined for all inputs in those ranges: sums that may overflow go through unsigned and wrap around.
 *
 * PORTABILITY: right shifts of negative numbers are arithmetic, and conversions of unsigned to signed integers wrap
 * around, on every compiler that we support (GCC, Clang).
 */
#ifndef MIDGE_REQUANTIZE_H
#define MIDGE_REQUANTIZE_H

#include <stdint.h>

/* Addition, subtraction and multiplication modulo 2^32. */
static inline int32_t midge_add_wrap(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }
static inline int32_t midge_sub_wrap(int32_t a, int32_t b) { return (int32_t)((uint32_t)a - (uint32_t)b); }
static inline int32_t midge_mul_wrap(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }

/* x * 2^bits modulo 2^32; bits in [0, 31]. */
static inline int32_t midge_shift_left(int32_t x, int32_t bits) { return (int32_t)((uint32_t)x << bits); }

/* The high 32 bits of 2 * a * multiplier, rounded; multiplier >= 0. The reference nudges by 2^30 or 1 - 2^30 depending
 * on the product's sign and truncates towards zero: both come to floor((a * multiplier + 2^30) / 2^31). The result lies
 * in [-2^31 + 1, 2^31 - 2]. */
static inline int32_t midge_doubling_high_mul(int32_t a, int32_t multiplier) {
  return (int32_t)(((int64_t)a * multiplier + ((int64_t)1 << 30)) >> 31);
}

/* The same for any b, with the reference's saturation of the one product that overflows. */
static inline int32_t midge_saturating_doubling_high_mul(int32_t a, int32_t b) {
  if (a == INT32_MIN && b == INT32_MIN) {
    return INT32_MAX;
  }
  return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* x / 2^exponent, rounded half away from zero; exponent in [0, 31]. */
static inline int32_t midge_rounding_divide(int32_t x, int32_t exponent) {
  const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1);
  const int32_t remainder = x & mask;
  const int32_t threshold = (mask >> 1) + (x < 0);
  return (x >> exponent) + (remainder > threshold);
}

/* x times the factor. */
static inline int32_t midge_requantize(int32_t x, int32_t multiplier, int32_t shift) {
  const int32_t left = shift > 0 ? shift : 0;
  const int32_t right = left - shift;
  return midge_rounding_divide(midge_doubling_high_mul(midge_shift_left(x, left), multiplier), right);
}

static inline int32_t midge_clamp(int32_t x, int32_t low, int32_t high) {
  const int32_t raised = x < low ? low : x;
  return raised > high ? high : raised;
}

/* The last step of every quantized operator: requantize, add the output's zero point, clamp. */
static inline int8_t midge_requantize_s8(int32_t x, int32_t multiplier, int32_t shift, int32_t zero_point, int32_t low,
                                         int32_t high) {
  return (int8_t)midge_clamp(midge_add_wrap(midge_requantize(x, multiplier, shift), zero_point), low, high);
}

/* The same where a channel's sum is scaled by less than 1/2, from the channel's record: its bias, 2 * multiplier - 2^32,
 * and the right shift e in [1, 22]; |sum + bias| < 2^30. In machine words: a rounded high product that adds the sum
 * itself, one correction for negative values, one addition, one shift. */
static inline int8_t midge_requantize_record_s8(int32_t sum, const int32_t record[3], int32_t zero_point, int32_t low,
                                                int32_t high) {
  const int32_t x = midge_add_wrap(sum, record[0]);
  const int32_t scaled = x + (int32_t)(((int64_t)x * record[1] + ((int64_t)1 << 31)) >> 32);
  const int32_t signless = scaled + (scaled >> 31);
  const int32_t rounding = (2 * zero_point + 1) * ((int32_t)1 << (record[2] - 1));
  return (int8_t)midge_clamp((signless + rounding) >> record[2], low, high);
}

#endif
