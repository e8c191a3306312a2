#ifndef MIDGE_CONV_2D_PAIRS_H
#define MIDGE_CONV_2D_PAIRS_H

#include <stddef.h>
#include <stdint.h>

#include "pairs.h"
#include "window.h"

/* Sets the words from `first` to `end` to `word`. */
static inline void midge_pairs_fill(int8_t *first, const int8_t *end, uint32_t word) {
  for (; first != end; first += 4) {
    memcpy(first, &word, 4);
  }
}

/* Copies `rows` stretches of 1 to 3 bytes to one word each. If `shift` is positive, they are preceded by so many bits
 * of padding, and what follows them is of no importance; whole words are read from where they begin. Otherwise they are
 * followed by -shift bits of padding, and words are read that end where they do. PORTABILITY: little-endian. */
static inline void midge_pairs_copy_parts(int8_t *target, const int8_t *source, ptrdiff_t source_stride, int32_t rows,
                                          int32_t shift, uint32_t padding) {
  uint32_t word;
  if (shift > 0) {
    const uint32_t filled = padding >> (32 - shift);
    for (; rows > 0; --rows) {
      memcpy(&word, source, 4);
      word = word << shift | filled;
      memcpy(target, &word, 4);
      target += 4;
      source += source_stride;
    }
  } else {
    const uint32_t filled = padding << (32 + shift);
    source += shift / 8;
    for (; rows > 0; --rows) {
      memcpy(&word, source, 4);
      word = word >> -shift | filled;
      memcpy(target, &word, 4);
      target += 4;
      source += source_stride;
    }
  }
}

/* Copies one window that is no part of the interior to `copy`, which is aligned to words: as runs, or dense if there is
 * but one. (y, x) is its first pixel. */
static inline void midge_pairs_gather(const midge_conv_2d_pairs_s8_params *params, const int8_t *image, int32_t y,
                                      int32_t x, int8_t *copy) {
  const midge_window *window = &params->window;
  const int32_t channels = window->input_channels;
  const int32_t left = x < 0 ? -x : 0;
  const int32_t beyond = x + window->filter_width - window->input_width;
  const int32_t inside = window->filter_width - left - (beyond < 0 ? 0 : beyond);
  const int32_t row_bytes = window->input_width * channels;
  const int32_t run_bytes = params->runs > 1 ? 4 * params->run_quads : window->filter_width * channels;
  const int32_t size = 4 * params->runs * params->run_quads;
  int32_t top = 0;
  int32_t bottom = window->filter_height;

  if (window->dilation_width > 1) {
    midge_gather_window(window, image, 1, y, x, 0, channels, (int8_t)params->input_zero_point, copy);
    return;
  }
  while (top < bottom && y + top * window->dilation_height < 0) {
    ++top;
  }
  while (top < bottom && y + (bottom - 1) * window->dilation_height >= window->input_height) {
    --bottom;
  }
  const int32_t rows = inside > 0 ? bottom - top : 0;
  const uint32_t padding = (uint8_t)params->input_zero_point * 0x01010101u;
  if (rows == 0) {
    midge_pairs_fill(copy, copy + size, padding);
    return;
  }
  const int32_t offset = (x + left) * channels;
  const int32_t bytes = inside * channels;
  const int8_t *source = image + (y + top * window->dilation_height) * row_bytes + offset;
  int8_t *target = copy + top * run_bytes;
  const int32_t one_word = run_bytes == 4 && bytes < 4;
  if (one_word && (left > 0 ? beyond <= 0 && row_bytes >= 4 : offset + bytes >= 4)) {
    const int32_t shift = left > 0 ? 8 * left * channels : -8 * (4 - bytes);
    midge_pairs_fill(copy, target, padding);
    midge_pairs_copy_parts(target, source, window->dilation_height * row_bytes, rows, shift, padding);
    midge_pairs_fill(target + 4 * rows, copy + size, padding);
    return;
  }
  if (rows < window->filter_height || inside < window->filter_width) {
    midge_pairs_fill(copy, copy + size, padding);
  }
  midge_pairs_copy_rows(target + left * channels, run_bytes, source, window->dilation_height * row_bytes, rows, bytes);
}

/* The kernels midge_conv_2d_pairs*_s8 with the loop that ends as they do. Pairs are formed along all output pixels; the
 * loop itself walks over those of one row that lie in the interior. */
static inline void midge_conv_2d_pairs_body(const midge_conv_2d_pairs_s8_params *params,
                                            void (*loop)(const midge_pairs_job *), const int8_t *input, int8_t *output,
                                            void *scratch) {
  const midge_window *window = &params->window;
  const int32_t channels = window->output_channels;
  const int32_t width = window->output_width;
  const int32_t run_bytes = 4 * params->run_quads;
  const int32_t window_bytes = params->runs * run_bytes;
  const int32_t step = window->stride_width * window->input_channels;
  const int32_t row_bytes = window->input_width * window->input_channels;
  const int32_t stride = window->dilation_height * row_bytes;
  const int32_t last_row = window->batches * window->output_height - 1;
  int8_t *copies = (int8_t *)scratch + 4 * (ptrdiff_t)window_bytes;
  midge_pairs_source sources[2] = {{input, 0}, {input, 0}};
  int32_t second = 0; /* whether the first pixel of a pair waits for the second */
  int32_t row = 0;
  int32_t y = -window->padding_top;
  midge_pairs_job job;
  job.patch = scratch;
  job.patch_end = job.patch + 2 * (ptrdiff_t)window_bytes;
  job.zero_point = params->output_zero_point;
  job.low = params->activation_min;
  job.high = params->activation_max;
  job.distance = step;
  job.gap = stride - run_bytes;
  job.runs = params->runs;
  job.advance = 2 * step;
  job.channels = channels;

  for (int32_t done = 0; done <= last_row; ++done) {
    const int32_t inside = row >= window->interior_top && row < window->interior_bottom;
    const int32_t left = inside ? window->interior_left : width;
    const int32_t right = inside ? window->interior_right : width;
    const int32_t first = y * row_bytes - window->padding_left * window->input_channels;

    for (int32_t column = 0; column < width;) {
      ptrdiff_t apart = channels;
      job.quads = 0;
      job.count = 1;
      if (second == 0 && column >= left && column + 1 < right) {
        job.input = input + first + column * step;
        job.quads = params->run_quads;
        job.count = channels & 3 ? 1 : (right - column) >> 1;
        column += 2 * job.count;
      } else {
        if (column >= left && column < right) {
          sources[second].first = input + first + column * step;
          sources[second].stride = stride;
        } else {
          int8_t *copy = copies + second * window_bytes;
          sources[second].first = copy;
          sources[second].stride = run_bytes;
          midge_pairs_gather(params, input, y, column * window->stride_width - window->padding_left, copy);
        }
        ++column;
        second ^= 1;
        if (second) {
          if (done < last_row || column < width) {
            continue;
          }
          sources[1] = sources[0];
          apart = 0;
        }
        midge_pairs_widen_s8(sources, params->runs, params->run_quads, job.patch);
      }
      midge_pairs_all_channels(loop, &job, params->blocks, params->block_words, channels, output, apart);
      output += 2 * job.count * channels;
    }
    y += window->stride_height;
    if (++row == window->output_height) {
      row = 0;
      y = -window->padding_top;
      input += window->input_height * row_bytes;
    }
  }
}

#endif
