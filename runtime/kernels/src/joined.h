/* Convolutions that form two channels' sums with one multiplication, for processors without SIMD.
 *
 * Two channels' weights share a word, low + high * 2^bits. Its product with an input adds to two sums at once; they
 * come apart as long as the low one stays within its field. The weights are expanded into such words for a block of
 * channels at a time, in scratch, and serve all pixels of a band there. All blocks of a band come before the next
 * band; a buffer may hold the band's outputs until its inputs have served the last block.
 *
 * joined: 24 bits in sums of 64, wide enough for a whole window.
 * segments: 16 bits in sums of 32. The window's runs are cut into segments of so few elements that neither sum leaves
 * 16 bits, whatever the inputs; see runtime/operators/variants/joined.py.
 */
#ifndef MIDGE_JOINED_H
#define MIDGE_JOINED_H

#include <stddef.h>
#include <stdint.h>

#include "finish.h"
#include "memory_functions.h"
#include "midge/kernels.h"
#include "window.h"

/* The sums of some groups of channels at two pixels. A window consists of `runs` stretches of `length` elements. The
 * inner loop uses up words, sum and groups. Assembly reads this as nine words in this order. */
typedef struct {
  const int8_t *pixel[2];
  int32_t gap; /* bytes from the end of a run to the start of the next */
  int32_t runs;
  int32_t length;
  const int32_t *words; /* the groups', one after the other */
  int32_t *sum;         /* the first pixel's, by channel */
  int32_t sum_step;     /* bytes from them to the second pixel's */
  int32_t groups;
} midge_joined_job;

/* Inner loops, replaced like those of inner_loops.h. */

/* Expands one group of four channels. Returns the end of its words. */
int32_t *midge_joined_expand_s8(const int8_t *weights, int32_t depth, int32_t *words);

/* Computes the sums of groups of four channels. */
void midge_joined_dot_s8(midge_joined_job *job);

/* Expands one group of two or four channels, each run cut into segments. Header words between the segments are the
 * instruction set's own; there is one per segment and one per run. `segment` numbers the group's first one; returns the
 * number of the next group's. */
int32_t midge_segments_expand_s8(const midge_conv_2d_segments_s8_params *params, const int8_t *weights, int32_t segment,
                                 int32_t **words);

/* The elements of a segment. */
static inline int32_t midge_segment_length(const midge_conv_2d_segments_s8_params *params, int32_t segment) {
  return (params->segments[segment >> 1] >> (segment & 1) * 4 & 15) + 1;
}

/* Computes the sums of groups of two or four channels; every segment adds 2^15 to those of even channels. */
void midge_segments_dot_s8(midge_joined_job *job);

typedef void (*midge_joined_loop)(midge_joined_job *job);

/* Where a step's outputs lie, and the image that they come from. A step is two pixels of a row, or one at its end. */
typedef struct {
  const int8_t *image;
  int8_t *output;
  int32_t row;
  int32_t column;
} midge_joined_place;

/* Some steps of the block of `channels` channels from `channel` on; `place` moves behind them. The scratch holds their
 * sums at two pixels, then their expanded weights, then two windows. */
static inline void midge_joined_body(const midge_conv_2d_joined_s8_params *params, int32_t channel, int32_t channels,
                                     midge_joined_loop dot, int32_t *scratch, midge_joined_place *place,
                                     int32_t steps) {
  const midge_window *window = &params->window;
  const int32_t pixel_bytes = window->input_channels;
  const int32_t row_bytes = window->input_width * pixel_bytes;
  const int32_t length = window->filter_width * pixel_bytes;
  const int32_t depth = window->filter_height * length;
  const int32_t groups = (channels + params->group_channels - 1) / params->group_channels;
  const int32_t *records = params->records + (ptrdiff_t)3 * channel;
  const int32_t *words = scratch + 2 * params->block_channels;
  int8_t *patch = (int8_t *)scratch + params->patch_offset;
  const int8_t *input = place->image;
  int8_t *target = place->output + channel;
  int32_t row = place->row;
  int32_t column = place->column;
  const midge_output_range range = {params->output_zero_point, params->activation_min, params->activation_max};
  midge_joined_job job;
  job.runs = window->filter_height;
  job.length = length;
  job.sum_step = 4 * params->block_channels;

  while (steps > 0) {
    const int32_t y = row * window->stride_height - window->padding_top;
    const int interior_row = row >= window->interior_top && row < window->interior_bottom;
    for (; column < window->output_width && steps > 0; column += 2) {
      const int32_t x = column * window->stride_width - window->padding_left;
      const int alone = column + 1 == window->output_width;
      if (interior_row && column >= window->interior_left && column + 2 - alone <= window->interior_right) {
        job.pixel[0] = input + (ptrdiff_t)y * row_bytes + (ptrdiff_t)x * pixel_bytes;
        job.pixel[1] = alone ? job.pixel[0] : job.pixel[0] + (ptrdiff_t)window->stride_width * pixel_bytes;
        job.gap = window->filter_height > 1 ? window->dilation_height * row_bytes - length : 0;
      } else {
        midge_gather_window(window, input, 1, y, x, 0, pixel_bytes, (int8_t)params->input_zero_point, patch);
        job.pixel[0] = patch;
        job.pixel[1] = patch;
        job.gap = 0;
        if (!alone) {
          midge_gather_window(window, input, 1, y, x + window->stride_width, 0, pixel_bytes,
                              (int8_t)params->input_zero_point, patch + depth);
          job.pixel[1] = patch + depth;
        }
      }
      job.words = words;
      job.sum = scratch;
      job.groups = groups;
      dot(&job);
      midge_finish_channels_s8(&range, scratch, records, channels, target);
      target += window->output_channels;
      if (!alone) {
        midge_finish_channels_s8(&range, scratch + params->block_channels, records, channels, target);
        target += window->output_channels;
      }
      --steps;
    }
    if (column >= window->output_width) {
      column = 0;
      if (++row == window->output_height) {
        row = 0;
        input += (ptrdiff_t)window->input_height * row_bytes;
      }
    }
  }
  place->image = input;
  place->output = target - channel;
  place->row = row;
  place->column = column;
}

/* Copies a band's outputs, from `buffer` to `end`, to where they belong; returns the next band's place. */
static inline int8_t *midge_joined_copy(const int8_t *buffer, const int8_t *end, int8_t *output) {
  const size_t bytes = (size_t)(end - buffer);
  memcpy(output, buffer, bytes);
  return output + bytes;
}

/* Channels of the block that begins at `channel`. */
static inline int32_t midge_joined_channels(const midge_conv_2d_joined_s8_params *params, int32_t channel) {
  const int32_t left = params->window.output_channels - channel;
  return left < params->block_channels ? left : params->block_channels;
}

#endif
