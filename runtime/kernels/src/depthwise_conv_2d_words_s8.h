/* midge_depthwise_conv_2d_words_s8 for any constant shape; see kernels.h. */
#ifndef MIDGE_DEPTHWISE_CONV_2D_WORDS_S8_H
#define MIDGE_DEPTHWISE_CONV_2D_WORDS_S8_H

#include <stddef.h>

#include "inner_loops.h"
#include "memory_functions.h"
#include "midge/kernels.h"

/* Interleaves what the outputs from row `row` and column `begin` on read of `pass_channels` channels from `channel` on.
 * Where `padding` is not set the columns beside the image have been written before; writing the image's last words may
 * go too far and spoil them. */
static inline void midge_words_fill(const midge_depthwise_conv_2d_words_s8_params *params, const int8_t *image,
                                    int32_t row, int32_t begin, int32_t channel, int padding, int8_t *words) {
  const midge_window *window = &params->window;
  const int32_t channels = params->pass_channels;
  const int32_t all = channels == window->input_channels;
  const int32_t x = begin * window->stride_width - window->padding_left;
  const int32_t first = x < 0 ? 0 : x;
  const int32_t before = first - x < params->padded_width ? first - x : params->padded_width;
  const int32_t room = params->padded_width - before;
  const int32_t inside = first < window->input_width ? window->input_width - first : 0;
  const int32_t columns = room < inside ? room : inside;
  const int32_t bytes = columns * channels;
  const int32_t left = 4 * before * channels;
  const int32_t right = 4 * (room - columns) * channels;
  const int32_t top = row * window->stride_height - window->padding_top;

  for (int32_t group = 0; group < params->row_groups; ++group) {
    const int8_t *rows[4];
    for (int32_t i = 0; i < 4; ++i) {
      /* A row without weights is any row. */
      const int32_t tap = 4 * group + i < window->filter_height ? 4 * group + i : 4 * group;
      const int32_t y = top + tap * window->dilation_height;
      rows[i] = NULL;
      if (y >= 0 && y < window->input_height && columns > 0) {
        rows[i] = image + ((ptrdiff_t)y * window->input_width + first) * window->input_channels + channel;
      }
    }
    if (padding || bytes % 16 > 0) {
      memset(words, params->input_zero_point, (size_t)left);
    }
    midge_interleave_rows_s8(rows, bytes / 16, all ? 16 : window->input_channels, bytes % 16, params->input_zero_point,
                             words + left);
    words += left + 4 * bytes;
    if (padding || bytes % 16 > 0) {
      memset(words, params->input_zero_point, (size_t)right);
    }
    words += right;
  }
}

static inline void midge_depthwise_conv_2d_words_s8_body(const midge_depthwise_conv_2d_words_s8_params *params,
                                                         const int8_t *input, int8_t *output, void *scratch) {
  const midge_window *window = &params->window;
  const int32_t channels = window->input_channels;
  const int32_t width = window->output_width;
  const int32_t pass = params->pass_channels;
  const int8_t *image = input;
  int8_t *words = scratch;
  int32_t *sums = scratch; /* they lie before the words */
  int padding = 1;

  if (params->vectors > 1) {
    words += 16 * (ptrdiff_t)params->pass_columns;
  }
  for (int32_t batch = 0; batch < window->batches; ++batch) {
    for (int32_t row = 0; row < window->output_height; ++row) {
      for (int32_t begin = 0; begin < width; begin += params->pass_columns) {
        const int32_t pixels = width - begin < params->pass_columns ? width - begin : params->pass_columns;
        for (int32_t next = 0; next < channels; next += pass) {
          const int32_t channel = next + pass > channels ? channels - pass : next;
          midge_words_fill(params, image, row, begin, channel, padding, words);
          midge_words_depthwise_s8(params, words, channel, pass, pixels, output, sums);
          padding = params->pass_columns < width;
        }
        output += (ptrdiff_t)pixels * channels;
      }
    }
    image += (ptrdiff_t)window->input_height * window->input_width * channels;
  }
}

#endif
