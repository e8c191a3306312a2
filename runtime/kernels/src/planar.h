/* What the inner loops of midge_depthwise_conv_2d_planar_s8 work on; see kernels.h. */
#ifndef MIDGE_PLANAR_H
#define MIDGE_PLANAR_H

#include <stdint.h>

/* One row of one channel's output. Assembly reads it as eight words in this order. */
typedef struct {
  const void *plane;   /* the channel's padded inputs: int8, or uint8 with 128 added; from the windows' first row on */
  int32_t row_bytes;   /* from one row of the plane to the next */
  const int32_t *taps; /* the channel's weights, [filter_height][filter_width] */
  int32_t *sums;
  int32_t count; /* of output pixels, at least 1 */
  int32_t filter_height;
  int32_t filter_width;
  int32_t stride; /* bytes from one window to the next */
} midge_planar_job;

typedef void (*midge_planar_row)(const midge_planar_job *job);

/* Inner loops, replaced like those of inner_loops.h. */

/* Computes the sums of one row for any filter and stride; the plane holds int8, or uint8 in the second form. */
void midge_planar_row_s8(const midge_planar_job *job);
void midge_planar_row_u8(const midge_planar_job *job);

/* The same for 3x3 filters of stride 1 along the row. */
void midge_planar_row_3x3_s8(const midge_planar_job *job);
void midge_planar_row_3x3_u8(const midge_planar_job *job);

/* The same for 3x3 filters of stride 2 along the row. */
void midge_planar_row_3x3_stride2_s8(const midge_planar_job *job);
void midge_planar_row_3x3_stride2_u8(const midge_planar_job *job);

/* Copies a row of one channel's inputs, `step` bytes apart, adding `offset` (0, or 128 modulo 256) to each. */
void midge_planar_copy_s8(const int8_t *input, int32_t step, int32_t count, int32_t offset, int8_t *target);

#endif
