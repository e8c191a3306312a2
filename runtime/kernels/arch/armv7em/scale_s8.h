/* Requantization of ADD and MUL: a rounded high product, a correction, a shift, a saturation.
 *
 * The reference rounds the product, then divides by 2^right, halves away from zero: one less is added where the product
 * is negative. Here it is one less where the doubled sum is negative, which differs only where the product rounds to 0;
 * then (2^(right - 1) - 1) >> right is 0 as well. */
#ifndef MIDGE_ARMV7EM_SCALE_S8_H
#define MIDGE_ARMV7EM_SCALE_S8_H

#include <stdint.h>

enum {
  MIDGE_SCALE_MOST = 22 /* of `right`: the zero point fits above it */
};

/* addend + the high word of a * b, rounded. */
static inline int32_t midge_smmlar(int32_t a, int32_t b, int32_t addend) {
  int32_t result;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(addend));
  return result;
}

static inline int32_t midge_saturate_s8(int32_t x) {
  int32_t result;
  __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(x));
  return result;
}

/* The same value, of which the compiler knows nothing: it adds it rather than take a shifted sum apart. */
static inline int32_t midge_opaque(int32_t x) {
  __asm__("" : "+r"(x));
  return x;
}

/* A value times multiplier / 2^(31 + right), plus what `addend` holds above `right` bits and half of 2^right; `twice` is
 * the doubled value, right at least 1. */
static inline int32_t midge_scale(int32_t twice, int32_t multiplier, int32_t addend, int32_t right) {
  return (midge_smmlar(twice, multiplier, addend) + (twice >> 31)) >> right;
}

/* What midge_scale adds to give `zero_point` on top. */
static inline int32_t midge_scale_addend(int32_t zero_point, int32_t right) {
  return (2 * zero_point + 1) * ((int32_t)1 << (right - 1));
}

#endif
