#ifndef MIDGE_CONV_2D_PAIRS_S8_H
#define MIDGE_CONV_2D_PAIRS_S8_H

#include <stddef.h>
#include <stdint.h>

#include "pairs.h"
#include "window.h"

/* Copies one window that reaches beyond the image or has gaps, dense, to `bytes`, which holds `size` and is aligned to
 * words. (y, x) is the window's first pixel. */
static inline void midge_pairs_gather(const midge_conv_2d_pairs_s8_params *params, const int8_t *image, int32_t y,
                                      int32_t x, int8_t *bytes, int32_t size) {
  const midge_window *window = &params->window;
  const int32_t channels = window->input_channels;
  const int32_t left = x < 0 ? -x : 0;
  const int32_t beyond = x + window->filter_width - window->input_width;
  const int32_t inside = window->filter_width - left - (beyond < 0 ? 0 : beyond);
  const ptrdiff_t row_bytes = (ptrdiff_t)window->input_width * channels;
  int32_t top = 0;
  int32_t bottom = window->filter_height;

  if (window->dilation_width > 1) {
    midge_gather_window(window, image, 1, y, x, 0, channels, (int8_t)params->input_zero_point, bytes);
    return;
  }
  while (top < bottom && y + top * window->dilation_height < 0) {
    ++top;
  }
  while (top < bottom && y + (bottom - 1) * window->dilation_height >= window->input_height) {
    --bottom;
  }
  if (top > 0 || bottom < window->filter_height || inside < window->filter_width) {
    const uint32_t padding = (uint8_t)params->input_zero_point * 0x01010101u;
    for (int32_t i = 0; i < size; i += 4) {
      memcpy(bytes + i, &padding, 4);
    }
  }
  if (inside > 0) {
    const int32_t target_stride = window->filter_width * channels;
    midge_pairs_copy_rows(bytes + top * target_stride + left * channels, target_stride,
                          image + (y + top * window->dilation_height) * row_bytes + (x + left) * channels,
                          window->dilation_height * row_bytes, bottom - top, inside * channels);
  }
}

/* A 1x1 filter on pixels that lie behind each other: the loop walks over all pairs of them by itself. */
static inline void midge_pairs_walk_pixels(const midge_conv_2d_pairs_s8_params *params,
                                           void (*loop)(const midge_pairs_job *), midge_pairs_job *job,
                                           const int8_t *input, int8_t *output) {
  const int32_t pixels = params->window.output_width;
  const int32_t channels = params->window.output_channels;
  const int32_t step = 2 * params->window.input_channels;
  if (channels & 3) {
    job->count = 1;
    for (int32_t pixel = 1; pixel < pixels; pixel += 2) {
      job->quads = params->run_quads;
      job->input = input;
      midge_pairs_all_channels(loop, job, params->blocks, params->block_words, channels, output, channels);
      input += step;
      output += 2 * channels;
    }
  } else if (pixels > 1) {
    job->input = input;
    job->quads = params->run_quads;
    job->count = pixels >> 1;
    midge_pairs_all_channels(loop, job, params->blocks, params->block_words, channels, output, channels);
    input += (pixels >> 1) * step;
    output += 2 * (pixels >> 1) * channels;
  }
  if (pixels & 1) {
    const midge_pairs_source sources[2] = {{input, 0}, {input, 0}};
    midge_pairs_widen_s8(sources, 1, params->run_quads, job->patch);
    job->quads = 0;
    job->count = 1;
    midge_pairs_all_channels(loop, job, params->blocks, params->block_words, channels, output, 0);
  }
}

/* Any windows, one pair of pixels after the other. */
static inline void midge_pairs_walk_windows(const midge_conv_2d_pairs_s8_params *params,
                                            void (*loop)(const midge_pairs_job *), midge_pairs_job *job,
                                            const int8_t *input, int8_t *output, int8_t *copies) {
  const midge_window *window = &params->window;
  const int32_t channels = window->output_channels;
  const int32_t window_bytes = 4 * params->runs * params->run_quads;
  const int32_t row_bytes = window->input_width * window->input_channels;
  const int32_t filter_bytes = window->filter_width * window->input_channels;
  const int32_t gap = window->dilation_height * row_bytes;
  midge_pairs_source sources[2];
  int32_t second = 0;

  job->quads = 0;
  job->count = 1;
  for (int32_t batch = 0; batch < window->batches; ++batch) {
    int32_t y = -window->padding_top;
    for (int32_t row = 0; row < window->output_height; ++row) {
      const int32_t inside = row >= window->interior_top && row < window->interior_bottom;
      const int32_t left = inside ? window->interior_left : window->output_width;
      const int32_t right = inside ? window->interior_right : window->output_width;
      const int32_t first = y * row_bytes;
      int32_t x = -window->padding_left;
      for (int32_t column = 0; column < window->output_width; ++column) {
        midge_pairs_source *source = &sources[second];
        int8_t *copy = copies + second * window_bytes;
        source->first = copy;
        source->stride = 4 * params->run_quads;
        if (column < left || column >= right) {
          midge_pairs_gather(params, input, y, x, copy, window_bytes);
        } else if (params->copy_interior) {
          midge_pairs_copy_rows(copy, filter_bytes, input + first + x * window->input_channels, gap,
                                window->filter_height, filter_bytes);
        } else {
          source->first = input + first + x * window->input_channels;
          source->stride = gap;
        }
        if (second) {
          midge_pairs_widen_s8(sources, params->runs, params->run_quads, job->patch);
          midge_pairs_all_channels(loop, job, params->blocks, params->block_words, channels, output, channels);
          output += 2 * channels;
        }
        second ^= 1;
        x += window->stride_width;
      }
      y += window->stride_height;
    }
    input += window->input_height * row_bytes;
  }
  if (second) {
    sources[1] = sources[0];
    midge_pairs_widen_s8(sources, params->runs, params->run_quads, job->patch);
    midge_pairs_all_channels(loop, job, params->blocks, params->block_words, channels, output, 0);
  }
}

/* The kernels midge_conv_2d_pairs*_s8 with the loop that ends as they do. */
static inline void midge_conv_2d_pairs_body(const midge_conv_2d_pairs_s8_params *params,
                                            void (*loop)(const midge_pairs_job *), const int8_t *input, int8_t *output,
                                            void *scratch) {
  const ptrdiff_t patch_size = 8 * (ptrdiff_t)params->runs * params->run_quads;
  midge_pairs_job job;
  job.patch = scratch;
  job.patch_end = job.patch + patch_size;
  job.rounding = 2 * params->output_zero_point + 1;
  job.low = params->activation_min;
  job.high = params->activation_max;
  job.channels = params->window.output_channels;
  if (params->one_row) {
    midge_pairs_walk_pixels(params, loop, &job, input, output);
  } else {
    midge_pairs_walk_windows(params, loop, &job, input, output, (int8_t *)job.patch_end);
  }
}

#endif
