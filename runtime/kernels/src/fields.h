/* Fields: several small sums in one wide accumulator.
 *
 * A pair of neighbouring pixels of one channel is a word, left + right * 2^21, and so is a pair of neighbouring taps of
 * the filter, with the later tap below. The product of x[j] + x[j + 1] * 2^21 and w[k + 1] + w[k] * 2^21 is a polynomial
 * in 2^21 of three coefficients: x[j] w[k + 1], which output j - k - 1 wants, x[j] w[k] + x[j + 1] w[k + 1], which
 * output j - k wants, and x[j + 1] w[k], which output j - k + 1 wants. A 64-bit accumulator adds up all three at once,
 * and they stay apart as long as each lies in [-2^20, 2^20): 128 * the sum of |w| that meet in one must stay below that.
 *
 * A line is the image of one channel with its rows one behind the other: pixel position p of the line is in word p / 2.
 * Outputs are numbered likewise, by the position of their window's first pixel. An accumulator belongs to an even
 * output: its middle field is that output, and an odd output is the high field of the accumulator before it plus the
 * low field of the one behind it. Three taps take two words of weights, (first, second), for the word of pixels that an
 * accumulator's number points to and the one behind it, in two forms:
 *   the taps begin at an even distance from the output: (w1 + w0 * 2^21, w2 * 2^21) with the word at that distance;
 *   at an odd distance: (w0, w2 + w1 * 2^21) with the word that begins one position earlier.
 */
#ifndef MIDGE_FIELDS_H
#define MIDGE_FIELDS_H

#include <stdint.h>

enum { MIDGE_FIELD_BITS = 21 };

/* Three taps of one channel. */
typedef struct {
  int32_t step; /* bytes from the preceding entry's word of pixels to this one's, a multiple of 4 */
  int32_t first;
  int32_t second;
} midge_fields_entry;

/* How the sums of one channel become int8; see midge_requantize_record_s8. */
typedef struct {
  int32_t multiplier; /* 2 * multiplier - 2^32 */
  int32_t shift;
  int32_t rounding; /* (2 * output zero point + 1) * 2^(shift - 1) */
  int32_t minimum;
  int32_t maximum;
  int32_t stride; /* bytes from one output to the next */
} midge_fields_scale;

/* The word of two pixels, or of two taps with the later one first. */
static inline int32_t midge_fields_pair(int32_t low, int32_t high) { return low + high * (1 << MIDGE_FIELD_BITS); }

#endif
