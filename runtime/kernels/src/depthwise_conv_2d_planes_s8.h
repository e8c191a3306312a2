/* Depthwise convolution on planes of pixel pairs; see kernels.h. Channels are the outermost loop, so that the output may
 * lie on the input: no byte of a channel touches another one. */
#ifndef MIDGE_DEPTHWISE_CONV_2D_PLANES_S8_H
#define MIDGE_DEPTHWISE_CONV_2D_PLANES_S8_H

#include <stddef.h>

#include "inner_loops.h"
#include "memory_functions.h"
#include "midge/kernels.h"

enum { MIDGE_PLANES_GROUP = 4 };

/* Two int16 in a word. */
static inline int32_t midge_pixel_pair(int32_t low, int32_t high) {
  return (int32_t)(((uint32_t)low & 0xffff) | (uint32_t)high << 16);
}

/* Fills planes; the columns of padding keep what this writes. */
static inline void midge_planes_fill(int32_t *word, int32_t count, int32_t value) {
  for (int32_t i = 0; i < count; ++i) {
    word[i] = value;
  }
}

/* Two rows of pixels for up to four channels. */
static inline void midge_planes_pack_channels(const midge_planes_pack *pack, int32_t channels) {
  if (channels == MIDGE_PLANES_GROUP) {
    midge_planes_pack_s8(pack);
    return;
  }
  for (int32_t channel = 0; channel < channels; ++channel) {
    int32_t *plane = pack->plane + channel * (pack->plane_bytes / 4);
    const int8_t *row0 = pack->row0 + channel;
    const int8_t *row1 = pack->row1 + channel;
    for (int32_t x = 0; x < pack->columns; ++x) {
      plane[x] = midge_pixel_pair(*row0, *row1);
      row0 += pack->step0;
      row1 += pack->step1;
    }
  }
}

/* Pairs of rows [begin, end) of the padded image. `image` is the first channel's first pixel, `padding` four bytes, `plane`
 * where pair `begin` goes. */
static inline void midge_planes_pack_rows(const midge_depthwise_conv_2d_planes_s8_params *params, const int8_t *image,
                                          const int8_t *padding, int32_t channels, int32_t begin, int32_t end,
                                          int32_t *plane) {
  const midge_window *window = &params->window;
  const int32_t step = window->input_channels;
  const int32_t row_bytes = window->input_width * step;
  const int32_t fitting = params->pitch - window->padding_left;
  midge_planes_pack pack;
  pack.columns = fitting < window->input_width ? fitting : window->input_width;
  pack.plane = plane + window->padding_left;
  pack.plane_bytes = 4 * params->plane_words;
  for (int32_t pair = begin; pair < end; ++pair) {
    const int32_t y = 2 * pair - window->padding_top;
    const int inside0 = y >= 0 && y < window->input_height;
    const int inside1 = y + 1 >= 0 && y + 1 < window->input_height;
    pack.row0 = inside0 ? image + (ptrdiff_t)y * row_bytes : padding;
    pack.row1 = inside1 ? image + (ptrdiff_t)(y + 1) * row_bytes : padding;
    pack.step0 = inside0 ? step : 0;
    pack.step1 = inside1 ? step : 0;
    midge_planes_pack_channels(&pack, channels);
    pack.plane += params->pitch;
  }
}

/* The same for one column of pixels: pairs that lie wholly inside the image are one run. */
static inline void midge_planes_pack_column(const midge_depthwise_conv_2d_planes_s8_params *params,
                                            const int8_t *image, const int8_t *padding, int32_t channels,
                                            int32_t *plane) {
  const midge_window *window = &params->window;
  const int32_t step = window->input_channels;
  const int32_t end = params->band_pairs;
  const int32_t first = (window->padding_top + 1) / 2;
  const int32_t fitting = (window->input_height + window->padding_top) / 2;
  const int32_t last = fitting < end ? fitting : end;
  if (first >= last) {
    midge_planes_pack_rows(params, image, padding, channels, 0, end, plane);
    return;
  }
  midge_planes_pack_rows(params, image, padding, channels, 0, first, plane);
  midge_planes_pack pack;
  pack.row0 = image + (ptrdiff_t)(2 * first - window->padding_top) * step;
  pack.row1 = pack.row0 + step;
  pack.step0 = 2 * step;
  pack.step1 = 2 * step;
  pack.plane = plane + first;
  pack.plane_bytes = 4 * params->plane_words;
  pack.columns = last - first;
  midge_planes_pack_channels(&pack, channels);
  midge_planes_pack_rows(params, image, padding, channels, last, end, plane + last);
}

/* Weights and record of one channel. */
static inline void midge_planes_load_channel(const midge_depthwise_conv_2d_planes_s8_params *params, int32_t channel,
                                             midge_planes_job *job, int32_t *taps) {
  const int32_t rows = params->window.filter_height;
  const int32_t columns = params->window.filter_width;
  const int8_t *weights = params->weights + (ptrdiff_t)channel * rows * columns;
  const int32_t *record = params->records + (ptrdiff_t)channel * 4;
  const int32_t scale = params->single_rounding ? (int32_t)1 << record[3] : 1;

  job->start = record[0];
  job->multiplier = record[1];
  job->offset = record[2];
  job->shift = record[3];
  if (params->shape == 1) {
    for (int32_t i = 0; i < 3; ++i) {
      const int32_t middle = weights[3 + i] * scale;
      job->upper[i] = midge_pixel_pair(weights[i] * scale, middle);
      job->lower[i] = midge_pixel_pair(middle, weights[6 + i] * scale);
    }
    return;
  }
  for (int32_t row = 0; row < 2 * params->reach; row += 2) {
    for (int32_t i = 0; i < columns; ++i) {
      const int32_t before = row > 0 ? weights[(row - 1) * columns + i] * scale : 0;
      const int32_t first = row < rows ? weights[row * columns + i] * scale : 0;
      const int32_t second = row + 1 < rows ? weights[(row + 1) * columns + i] * scale : 0;
      taps[0] = midge_pixel_pair(first, second);
      taps[1] = midge_pixel_pair(before, first);
      taps += 2;
    }
  }
}

/* Runs the loop for the filter on `rows` output rows or pairs of rows. */
static inline void midge_planes_run(const midge_depthwise_conv_2d_planes_s8_params *params, midge_planes_job *job,
                                    int32_t rows) {
  const int exact = !params->single_rounding;
  job->rows = rows;
  if (params->shape == 1) {
    if (params->window.stride_height == 2) {
      (exact ? midge_planes_row_3x3_stride2_exact_s8 : midge_planes_row_3x3_stride2_s8)(job);
    } else if (job->row_step == 0) {
      (exact ? midge_planes_row_3x3_exact_s8 : midge_planes_row_3x3_s8)(job);
    } else {
      (exact ? midge_planes_rows_3x3_exact_s8 : midge_planes_rows_3x3_s8)(job);
    }
    return;
  }
  const int32_t *plane = job->plane;
  int8_t *output = job->output;
  const int32_t blocks = job->blocks;
  const int32_t row_bytes = job->advance + 2 * blocks * job->column_step;
  for (int32_t row = 0; row < rows; ++row) {
    job->plane = plane;
    job->output = output;
    job->blocks = blocks;
    (exact ? midge_planes_taps_exact_s8 : midge_planes_taps_s8)(job);
    plane += job->pitch / 4;
    output += row_bytes;
  }
}

/* All columns of some output rows: pairs of columns, then the odd one. `row_bytes` lie between rows or pairs of rows. */
static inline void midge_planes_run_columns(const midge_depthwise_conv_2d_planes_s8_params *params,
                                            midge_planes_job *job, const int32_t *plane, int8_t *output, int32_t rows,
                                            int32_t columns, int32_t column_bytes, int32_t row_bytes) {
  const int32_t even = columns & ~1;
  if (even > 0) {
    job->plane = plane;
    job->output = output;
    job->column_step = column_bytes;
    job->blocks = even / 2;
    job->advance = row_bytes - even * column_bytes;
    midge_planes_run(params, job, rows);
  }
  if (columns > even) {
    job->plane = plane + even * (job->column_stride / 4);
    job->output = output + (ptrdiff_t)even * column_bytes;
    job->column_step = 0;
    job->blocks = 1;
    job->advance = row_bytes;
    midge_planes_run(params, job, rows);
  }
}

/* One channel of a band: output rows [begin, end), the first one even where rows come in pairs. */
static inline void midge_planes_channel(const midge_depthwise_conv_2d_planes_s8_params *params, midge_planes_job *job,
                                        const int32_t *plane, int8_t *output, int32_t begin, int32_t end) {
  const midge_window *window = &params->window;
  const int32_t row_bytes = window->output_width * window->output_channels;
  int8_t *target = output + (ptrdiff_t)begin * row_bytes;
  job->pitch = 4 * params->pitch;
  job->column_stride = 4 * window->stride_width;
  if (window->stride_height == 2) {
    job->row_step = 0;
    midge_planes_run_columns(params, job, plane, target, end - begin, window->output_width, window->output_channels,
                             row_bytes);
    return;
  }
  const int32_t pairs = (end - begin) / 2;
  if (pairs > 0) {
    job->row_step = row_bytes;
    midge_planes_run_columns(params, job, plane, target, pairs, window->output_width, window->output_channels,
                             2 * row_bytes);
  }
  if ((end - begin) % 2 != 0) {
    job->row_step = 0;
    midge_planes_run_columns(params, job, plane + pairs * params->pitch, target + (ptrdiff_t)pairs * 2 * row_bytes, 1,
                             window->output_width, window->output_channels, row_bytes);
  }
}

/* One channel of one column of pixels: pairs of output rows take the place of columns. */
static inline void midge_planes_column(const midge_depthwise_conv_2d_planes_s8_params *params, midge_planes_job *job,
                                       const int32_t *plane, int8_t *output) {
  const int32_t step = params->window.output_channels;
  const int32_t pairs = params->window.output_height / 2;
  job->pitch = 0;
  job->column_stride = 4;
  if (pairs > 0) {
    job->row_step = step;
    midge_planes_run_columns(params, job, plane, output, 1, pairs, 2 * step, 0);
  }
  if (params->window.output_height % 2 != 0) {
    job->row_step = 0;
    midge_planes_run_columns(params, job, plane + pairs, output + (ptrdiff_t)pairs * 2 * step, 1, 1, step, 0);
  }
}

/* Up to four channels of one image. `image` and `output` are the first one's first pixels. */
static inline void midge_planes_image(const midge_depthwise_conv_2d_planes_s8_params *params, const int8_t *padding,
                                      int32_t channel, int32_t channels, const int8_t *image, int8_t *output,
                                      int32_t *taps) {
  const midge_window *window = &params->window;
  const int32_t keep = params->reach - 1;
  const int32_t rows_per_pair = window->stride_height == 1 ? 2 : 1;
  const int32_t outputs = (window->output_height + rows_per_pair - 1) / rows_per_pair;
  int32_t *planes = taps + params->weight_words;
  midge_planes_job job;
  job.weights = taps;
  job.filter_width = params->shape == 2 ? params->reach : window->filter_width;
  job.reach = params->shape == 2 ? 1 : params->reach;

  if (params->shape == 2) {
    midge_planes_pack_column(params, image, padding, channels, planes);
    for (int32_t i = 0; i < channels; ++i) {
      midge_planes_load_channel(params, channel + i, &job, taps);
      midge_planes_column(params, &job, planes + i * params->plane_words, output + i);
    }
    return;
  }
  int32_t present = 0;
  for (int32_t first = 0; first < outputs;) {
    const int32_t left = outputs + keep - first;
    const int32_t pairs = left < params->band_pairs ? left : params->band_pairs;
    const int32_t done = pairs - keep;
    midge_planes_pack_rows(params, image, padding, channels, first + present, first + pairs,
                           planes + present * params->pitch);
    for (int32_t i = 0; i < channels; ++i) {
      const int32_t end = (first + done) * rows_per_pair;
      int32_t *plane = planes + i * params->plane_words;
      midge_planes_load_channel(params, channel + i, &job, taps);
      midge_planes_channel(params, &job, plane, output + i, first * rows_per_pair,
                           end < window->output_height ? end : window->output_height);
      memmove(plane, plane + done * params->pitch, (size_t)(keep * params->pitch) * sizeof *plane);
    }
    first += done;
    present = keep;
  }
}

static inline void midge_depthwise_conv_2d_planes_s8_body(const midge_depthwise_conv_2d_planes_s8_params *params,
                                                          const int8_t *input, int8_t *output, void *scratch) {
  const midge_window *window = &params->window;
  const int32_t all = window->input_channels;
  const ptrdiff_t input_bytes = (ptrdiff_t)window->input_height * window->input_width * all;
  const ptrdiff_t output_bytes = (ptrdiff_t)window->output_height * window->output_width * all;
  const int32_t planes = all < MIDGE_PLANES_GROUP ? all : MIDGE_PLANES_GROUP;
  const int32_t padding = midge_pixel_pair(params->input_zero_point, params->input_zero_point);
  int32_t *taps = scratch;
  int8_t border[MIDGE_PLANES_GROUP];

  memset(border, params->input_zero_point, sizeof border);
  midge_planes_fill(taps + params->weight_words, planes * params->plane_words, padding);
  for (int32_t channel = 0; channel < all; channel += MIDGE_PLANES_GROUP) {
    const int32_t rest = all - channel;
    const int8_t *image = input + channel;
    int8_t *target = output + channel;
    for (int32_t batch = 0; batch < window->batches; ++batch) {
      midge_planes_image(params, border, channel, rest < MIDGE_PLANES_GROUP ? rest : MIDGE_PLANES_GROUP, image, target,
                         taps);
      image += input_bytes;
      target += output_bytes;
    }
  }
}

#endif
