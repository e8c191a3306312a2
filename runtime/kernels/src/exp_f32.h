/* exp on floats, the same bits on every processor: only additions, multiplications and integer operations, no library.
 * Build without contraction to fused multiply-adds (-ffp-contract=off). */
#ifndef MIDGE_EXP_F32_H
#define MIDGE_EXP_F32_H

#include <stdint.h>

#include "memory_functions.h"

/* exp(x) = 2^exponent * (1 + fraction): x = exponent * ln 2 + r with |r| <= ln(2) / 2, fraction = exp(r) - 1. */
typedef struct {
  int32_t exponent;
  float fraction;
} midge_exp_parts;

/* 2^exponent; exponent in [-126, 127]. */
static inline float midge_power_of_two(int32_t exponent) {
  const uint32_t bits = (uint32_t)(exponent + 127) << 23;
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

/* |x| below 2^7 = 128. */
static inline midge_exp_parts midge_exp_split(float x) {
  /* ln 2 = high + low, high = floor(2^15 ln 2) / 2^15: its 15 bits times the exponent's 8 are exact in a float. */
  const float high = 22713.0f / 32768.0f;
  const float low = 1.42860682e-6f;
  const float scaled = x * 1.44269504f; /* 1 / ln 2 */
  const int32_t exponent = (int32_t)(scaled + (scaled < 0.0f ? -0.5f : 0.5f));
  const float r = (x - (float)exponent * high) - (float)exponent * low;
  /* Taylor series of (exp(r) - 1 - r) / r^2: 1/2! + r/3! + ... + r^5/7!. The first term left out is below
   * 0.347^7 / 8! = 1.5e-8 of r, a quarter of the last bit. */
  float series = 1.0f / 5040.0f;
  series = series * r + 1.0f / 720.0f;
  series = series * r + 1.0f / 120.0f;
  series = series * r + 1.0f / 24.0f;
  series = series * r + 1.0f / 6.0f;
  series = series * r + 0.5f;
  const midge_exp_parts parts = {exponent, r + r * r * series};
  return parts;
}

/* exp(x) within 2 units in the last place (the kernels built on it: 3). Results below 2^-126 are 0; above 88 the
 * argument is held at 88; NaN stays. */
static inline float midge_exp_f32(float x) {
  if (x != x) {
    return x;
  }
  if (x < -87.0f) {
    return 0.0f;
  }
  const midge_exp_parts parts = midge_exp_split(x > 88.0f ? 88.0f : x);
  return midge_power_of_two(parts.exponent) * (1.0f + parts.fraction);
}

#endif
