#ifndef MIDGE_CONV_2D_PAIRS_S8_H
#define MIDGE_CONV_2D_PAIRS_S8_H

#include "pairs.h"
#include "window.h"

/* Where one window lies: params->runs stretches of 4 * params->run_quads bytes, `stride` apart. */
typedef struct {
  const int8_t *first;
  ptrdiff_t stride;
} midge_pairs_source;

/* Copies one window, dense, to `bytes`. (y, x) is its first pixel. */
static inline void midge_pairs_copy_window(const midge_conv_2d_pairs_s8_params *params, const int8_t *image, int32_t y,
                                           int32_t x, int8_t *bytes) {
  const midge_window *window = &params->window;
  const int32_t channels = window->input_channels;
  const int32_t row_bytes = window->filter_width * channels;
  int32_t before = x < 0 ? -x : 0;
  int32_t after = x + window->filter_width - window->input_width;
  if (window->dilation_width > 1) {
    midge_gather_window(window, image, 1, y, x, 0, channels, (int8_t)params->input_zero_point, bytes);
    return;
  }
  before = before > window->filter_width ? window->filter_width : before;
  after = after < 0 ? 0 : after > window->filter_width ? window->filter_width : after;
  before *= channels;
  after *= channels;
  for (int32_t row = 0; row < window->filter_height; ++row) {
    int32_t inside = 0;
    int32_t head = row_bytes;
    int32_t tail = 0;
    if (y >= 0 && y < window->input_height && before + after < row_bytes) {
      inside = row_bytes - before - after;
      head = before;
      tail = after;
    }
    for (int32_t i = 0; i < head; ++i) {
      bytes[i] = (int8_t)params->input_zero_point;
    }
    if (inside > 0) {
      midge_pairs_copy(bytes + head, image + ((ptrdiff_t)y * window->input_width + x) * channels + head, inside);
    }
    for (int32_t i = row_bytes - tail; i < row_bytes; ++i) {
      bytes[i] = (int8_t)params->input_zero_point;
    }
    bytes += row_bytes;
    y += window->dilation_height;
  }
}

/* All channels of two output pixels, or of one that is given twice with `stride` 0. */
static inline void midge_pairs_two_pixels(const midge_conv_2d_pairs_s8_params *params,
                                          void (*loop)(const midge_pairs_job *), midge_pairs_job *job,
                                          midge_pairs_source first, midge_pairs_source second, int16_t *patch,
                                          int8_t *output, ptrdiff_t stride) {
  int16_t *end = patch;
  for (int32_t run = 0; run < params->runs; ++run) {
    end = midge_pairs_widen_s8(first.first, second.first, params->run_quads, end);
    first.first += first.stride;
    second.first += second.stride;
  }
  midge_pairs_all_channels(loop, job, params->blocks, params->block_words, params->window.output_channels, output,
                           stride);
}

/* The kernels midge_conv_2d_pairs*_s8 with the loop that ends as they do. */
static inline void midge_conv_2d_pairs_body(const midge_conv_2d_pairs_s8_params *params,
                                            void (*loop)(const midge_pairs_job *), const int8_t *input, int8_t *output,
                                            void *scratch) {
  const midge_window *window = &params->window;
  const int32_t channels = window->output_channels;
  const int32_t step = window->stride_width * window->input_channels;
  const ptrdiff_t row_bytes = (ptrdiff_t)window->input_width * window->input_channels;
  const int32_t quads = params->runs * params->run_quads;
  int16_t *patch = scratch;
  int8_t *copies = (int8_t *)scratch + 16 * (ptrdiff_t)quads;
  midge_pairs_source sources[2];
  int32_t waiting = 0;
  midge_pairs_job job = {.patch = patch,
                         .patch_end = patch + 8 * (ptrdiff_t)quads,
                         .rounding = 2 * params->output_zero_point + 1,
                         .low = params->activation_min,
                         .high = params->activation_max};

  for (int32_t batch = 0; batch < window->batches; ++batch) {
    int32_t y = -window->padding_top;
    for (int32_t row = 0; row < window->output_height; ++row) {
      const int8_t interior_row = row >= window->interior_top && row < window->interior_bottom;
      const int32_t left = interior_row ? window->interior_left : window->output_width;
      const int32_t right = interior_row ? window->interior_right : window->output_width;
      ptrdiff_t first = y * row_bytes - (ptrdiff_t)window->padding_left * window->input_channels;
      int32_t x = -window->padding_left;
      for (int32_t column = 0; column < window->output_width; ++column) {
        midge_pairs_source *source = &sources[waiting];
        if (column >= left && column < right) {
          source->first = input + first;
          source->stride = window->dilation_height * row_bytes;
        } else {
          int8_t *bytes = copies + 4 * (ptrdiff_t)(waiting * quads);
          midge_pairs_copy_window(params, input, y, x, bytes);
          source->first = bytes;
          source->stride = 4 * params->run_quads;
        }
        waiting ^= 1;
        if (waiting == 0) {
          midge_pairs_two_pixels(params, loop, &job, sources[0], sources[1], patch, output, channels);
          output += 2 * channels;
        }
        first += step;
        x += window->stride_width;
      }
      y += window->stride_height;
    }
    input += window->input_height * row_bytes;
  }
  if (waiting != 0) {
    midge_pairs_two_pixels(params, loop, &job, sources[0], sources[0], patch, output, 0);
  }
}

#endif
