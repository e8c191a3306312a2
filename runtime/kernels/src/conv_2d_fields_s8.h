/* Control flow of midge_conv_2d_fields_s8, inline so that a layer with constant shapes can have its own instance. */
#ifndef MIDGE_CONV_2D_FIELDS_S8_H
#define MIDGE_CONV_2D_FIELDS_S8_H

#include <stddef.h>
#include <stdint.h>

#include "fields.h"
#include "inner_loops.h"
#include "midge/kernels.h"

/* Writes one row of pixels into every channel's line, from `position` on; a null row means padding. Where the row begins
 * or ends within a word, the word's other half is padding. */
static inline void midge_fields_pack_row(const midge_conv_2d_fields_s8_params *params, const int8_t *row,
                                         int32_t position, int32_t *lines) {
  const int32_t width = params->window.input_width;
  const int32_t channels = params->window.input_channels;
  const int32_t stride = params->line_words;
  const int32_t padding = params->input_zero_point;
  const int32_t words = ((position + width + 1) >> 1) - (position >> 1);
  int32_t *target = lines + (position >> 1);

  if (row == NULL) {
    for (int32_t channel = 0; channel < channels; ++channel) {
      for (int32_t word = 0; word < words; ++word) {
        target[word] = midge_fields_pair(padding, padding);
      }
      target += stride;
    }
    return;
  }
  int32_t column = 0;
  if (position & 1) {
    for (int32_t channel = 0; channel < channels; ++channel) {
      target[(ptrdiff_t)channel * stride] = midge_fields_pair(padding, row[channel]);
    }
    ++target;
    ++column;
  }
  for (; column + 2 <= width; column += 2) {
    const int8_t *left = row + (ptrdiff_t)column * channels;
    const int8_t *right = left + channels;
    const int8_t *end = right;
    int32_t *word = target++;
    do {
      *word = midge_fields_pair(*left++, *right++);
      word += stride;
    } while (left != end);
  }
  if (column < width) {
    const int8_t *left = row + (ptrdiff_t)column * channels;
    for (int32_t channel = 0; channel < channels; ++channel) {
      target[(ptrdiff_t)channel * stride] = midge_fields_pair(left[channel], padding);
    }
  }
}

/* Packs the rows [first, last) of a band whose row 0 is the image's row y. */
static inline void midge_fields_pack_rows(const midge_conv_2d_fields_s8_params *params, const int8_t *image, int32_t y,
                                          int32_t first, int32_t last, int32_t *lines) {
  const midge_window *window = &params->window;
  const ptrdiff_t row_bytes = (ptrdiff_t)window->input_width * window->input_channels;

  for (int32_t row = first; row < last; ++row) {
    const int32_t source = y + row;
    const int8_t *pixels = source >= 0 && source < window->input_height ? image + source * row_bytes : NULL;
    midge_fields_pack_row(params, pixels, row * params->period + window->padding_left, lines);
  }
}

/* Writes the steps of the stream: how far an entry's word lies behind its predecessor's, in bytes; behind the line's
 * start for a segment's first entry. */
static inline void midge_fields_write_steps(const midge_conv_2d_fields_s8_params *params, midge_fields_entry *stream) {
  const midge_window *window = &params->window;
  int32_t before = 0;
  int32_t left = params->segment_entries;
  const midge_fields_entry *end = stream + (ptrdiff_t)params->segments * params->segment_entries;

  for (int32_t row = 0; row < window->filter_height; ++row) {
    for (int32_t tap = 0; tap < window->filter_width; tap += 3) {
      int32_t offset = 4 * ((row * window->dilation_height * params->period + tap) >> 1);
      for (int32_t channel = 0; channel < window->input_channels; ++channel) {
        stream->step = offset - before;
        ++stream;
        before = offset;
        if (--left == 0) {
          left = params->segment_entries;
          before = 0;
        }
        offset += 4 * params->line_words;
      }
    }
  }
  for (; stream != end; ++stream) {
    stream->step = 0;
    stream->first = 0;
    stream->second = 0;
  }
}

/* Writes one output channel's weights into the stream; returns the next channel's. */
static inline const int8_t *midge_fields_write_weights(const midge_conv_2d_fields_s8_params *params,
                                                       const int8_t *weights, midge_fields_entry *stream) {
  const midge_window *window = &params->window;

  for (int32_t row = 0; row < window->filter_height; ++row) {
    for (int32_t tap = 0; tap < window->filter_width; tap += 3) {
      const int32_t is_odd = (row * window->dilation_height * params->period + tap) & 1;
      weights = midge_fields_expand_s8(weights, stream, window->input_channels, is_odd);
      stream += window->input_channels;
    }
  }
  return weights;
}

/* All output channels of `rows` rows, whose input lies in the lines. */
static inline void midge_fields_compute_band(const midge_conv_2d_fields_s8_params *params, int32_t rows,
                                             const int32_t *lines, midge_fields_entry *stream, int32_t *sums,
                                             int8_t *output) {
  const midge_window *window = &params->window;
  const int32_t channels = window->output_channels;
  const int32_t blocks = (((rows - 1) * params->period + window->output_width) / 2 + 3) / 3;
  const int8_t *weights = params->weights;
  const int32_t *record = params->records;
  midge_fields_scale scale;
  scale.minimum = params->activation_min;
  scale.maximum = params->activation_max;
  scale.stride = channels;

  for (int32_t channel = 0; channel < channels; ++channel) {
    const midge_fields_entry *segment = stream;
    weights = midge_fields_write_weights(params, weights, stream);
    midge_fields_fill(sums, record[0], blocks);
    for (int32_t left = params->segments; left > 0; --left) {
      midge_fields_accumulate_s8(lines, segment, segment + params->segment_entries, sums, blocks);
      segment += params->segment_entries;
    }
    scale.multiplier = record[1];
    scale.shift = record[2];
    scale.rounding = (2 * params->output_zero_point + 1) * ((int32_t)1 << (record[2] - 1));
    record += 3;
    const int32_t *row_sums = sums + 1;
    int8_t *pixels = output + channel;
    for (int32_t row = 0; row < rows; ++row) {
      midge_fields_finish_s8(row_sums, window->output_width, &scale, pixels);
      row_sums += params->period;
      pixels += (ptrdiff_t)window->output_width * channels;
    }
  }
}

static inline void midge_conv_2d_fields_s8_body(const midge_conv_2d_fields_s8_params *params, const int8_t *input,
                                                int8_t *output, void *scratch) {
  const midge_window *window = &params->window;
  const int32_t kept = (window->filter_height - 1) * window->dilation_height;
  const ptrdiff_t line_words = params->line_words;
  const ptrdiff_t all_words = line_words * window->input_channels;
  int32_t *lines = scratch;
  midge_fields_entry *stream = (midge_fields_entry *)(void *)(lines + all_words);
  int32_t *sums = (int32_t *)(void *)(stream + (ptrdiff_t)params->segments * params->segment_entries);

  for (ptrdiff_t word = 0; word < all_words; ++word) {
    lines[word] = midge_fields_pair(params->input_zero_point, params->input_zero_point);
  }
  midge_fields_write_steps(params, stream);
  for (int32_t batch = 0; batch < window->batches; ++batch) {
    for (int32_t row = 0; row < window->output_height; row += params->band_rows) {
      const int32_t below = window->output_height - row;
      const int32_t rows = below < params->band_rows ? below : params->band_rows;
      const int32_t have = row > 0 ? kept : 0;
      if (have > 0) {
        const ptrdiff_t shift = (ptrdiff_t)params->band_rows * params->period / 2;
        const int32_t words = (kept * params->period + 1) / 2;
        for (int32_t *line = lines; line != lines + all_words; line += line_words) {
          midge_fields_move(line, line + shift, words);
        }
      }
      midge_fields_pack_rows(params, input, row - window->padding_top, have, kept + rows, lines);
      midge_fields_compute_band(params, rows, lines, stream, sums, output);
      output += (ptrdiff_t)rows * window->output_width * window->output_channels;
    }
    input += (ptrdiff_t)window->input_height * window->input_width * window->input_channels;
  }
}

#endif
