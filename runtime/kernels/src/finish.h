/* The last step of convolutions without SIMD: many sums become int8 outputs at once. */
#ifndef MIDGE_FINISH_H
#define MIDGE_FINISH_H

#include <stdint.h>

/* See kernels.h. Assembly reads it as three words in this order. */
typedef struct {
  int32_t zero_point;
  int32_t low;
  int32_t high;
} midge_output_range;

/* Inner loops, replaced like those of inner_loops.h. Both apply midge_requantize_record_s8 to `count` sums, at least
 * one, and write outputs. */

/* Neighbouring channels: a record each, outputs next to each other. */
void midge_finish_channels_s8(const midge_output_range *range, const int32_t *sum, const int32_t *records,
                              int32_t count, int8_t *output);

/* Pixels of one channel: one record, outputs `stride` bytes apart. */
void midge_finish_pixels_s8(const midge_output_range *range, const int32_t *sum, const int32_t record[3],
                            int32_t count, int8_t *output, int32_t stride);

#endif
