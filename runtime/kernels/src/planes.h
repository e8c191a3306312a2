/* Depthwise convolution on planes of pixel pairs; see midge_depthwise_conv_2d_planes_s8. Channels are the outermost loop,
 * so that the output may lie on the input: no byte of a channel touches another one. */
#ifndef MIDGE_PLANES_H
#define MIDGE_PLANES_H

#include <stddef.h>

#include "clamp_s8.h"
#include "inner_loops.h"
#include "memory_functions.h"
#include "midge/kernels.h"

enum { MIDGE_PLANES_GROUP = 4, MIDGE_PLANES_RUN_WORDS = 7 };

typedef midge_depthwise_conv_2d_planes_s8_params midge_planes_params;

typedef void (*midge_planes_loop)(midge_planes_job *job);
typedef void (*midge_planes_loader)(const midge_planes_params *params, const int8_t *weights, int32_t factor,
                                    midge_planes_job *job);

/* Two int16 in a word. */
static inline int32_t midge_pixel_pair(int32_t low, int32_t high) {
  return (int32_t)(((uint32_t)low & 0xffff) | (uint32_t)high << 16);
}

/* Packs up to four channels. */
static inline void midge_planes_pack_channels(const midge_planes_pack *pack, int32_t channels) {
  if (channels == MIDGE_PLANES_GROUP) {
    midge_planes_pack_s8(pack);
    return;
  }
  for (int32_t channel = 0; channel < channels; ++channel) {
    int32_t *plane = pack->plane + channel * (pack->plane_bytes / 4);
    for (int32_t x = 0; x < pack->columns; ++x) {
      plane[x] = midge_pixel_pair(pack->row0[(ptrdiff_t)x * pack->step0 + channel],
                                  pack->row1[(ptrdiff_t)x * pack->step1 + channel]);
    }
  }
}

/* Pairs of rows [begin, end) of the padded image. `image` is the first channel's first pixel, `padding` four bytes. */
static inline void midge_planes_pack_rows(const midge_planes_params *params, const int8_t *image, const int8_t *padding,
                                          int32_t channels, int32_t begin, int32_t end, int32_t *plane) {
  const int32_t fitting = params->pitch - params->padding_left;
  int32_t y = 2 * begin - params->padding_top;
  midge_planes_pack pack;
  pack.columns = fitting < params->input_columns ? fitting : params->input_columns;
  pack.plane = plane + params->padding_left;
  pack.plane_bytes = 4 * params->plane_words;
  for (int32_t pair = begin; pair < end; ++pair) {
    pack.row0 = padding;
    pack.row1 = padding;
    pack.step0 = 0;
    pack.step1 = 0;
    if (y >= 0 && y < params->input_rows) {
      pack.row0 = image + (ptrdiff_t)y * params->input_row_step;
      pack.step0 = params->input_column_step;
    }
    ++y;
    if (y >= 0 && y < params->input_rows) {
      pack.row1 = image + (ptrdiff_t)y * params->input_row_step;
      pack.step1 = params->input_column_step;
    }
    ++y;
    if (pack.step0 != 0 || pack.step1 != 0 || params->bands != 0) { /* a single band never overwrites its padding */
      midge_planes_pack_channels(&pack, channels);
    }
    pack.plane += params->pitch;
  }
}

/* The same for all of one column of pixels: pairs that lie wholly inside the image follow each other. */
static inline void midge_planes_pack_line(const midge_planes_params *params, const int8_t *image, const int8_t *padding,
                                          int32_t channels, int32_t *plane) {
  const int32_t step = params->input_row_step;
  const int32_t end = params->last_pairs;
  const int32_t top = params->padding_top;
  const int32_t fitting = (params->input_rows + top) / 2;
  const int32_t last = fitting < end ? fitting : end;
  const int32_t inside = (top + 1) / 2;
  const int32_t first = inside < last ? inside : last;

  midge_planes_pack_rows(params, image, padding, channels, 0, first, plane);
  if (first < last) {
    const int8_t *row = image + (ptrdiff_t)(2 * first - top) * step;
    const int32_t plane_bytes = 4 * params->plane_words;
    const midge_planes_pack pack = {row, row + step, 2 * step, 2 * step, plane + first, plane_bytes, last - first};
    midge_planes_pack_channels(&pack, channels);
  }
  midge_planes_pack_rows(params, image, padding, channels, last, end, plane + last);
}

/* Weights of a 3x3 filter. */
static inline void midge_planes_load_3x3(const midge_planes_params *params, const int8_t *weights, int32_t factor,
                                         midge_planes_job *job) {
  (void)params;
  for (int32_t i = 0; i < 3; ++i) {
    const int32_t middle = weights[3] * factor;
    job->upper[i] = midge_pixel_pair(weights[0] * factor, middle);
    job->lower[i] = midge_pixel_pair(middle, weights[6] * factor);
    ++weights;
  }
}

/* Weights of any filter; a line's pairs of rows are its columns. */
static inline void midge_planes_load_taps(const midge_planes_params *params, const int8_t *weights, int32_t factor,
                                          midge_planes_job *job) {
  const int32_t rows = params->filter_height;
  const int32_t columns = params->filter_width;
  int32_t *taps = (int32_t *)job->weights;

  for (int32_t x = 0; x < columns; ++x) {
    const int8_t *weight = weights + x;
    int32_t *word = taps + 2 * x;
    int32_t before = 0;
    for (int32_t y = 0; word < taps + params->weight_words; y += 2) {
      const int32_t first = y < rows ? weight[0] * factor : 0;
      const int32_t second = y + 1 < rows ? weight[columns] * factor : 0;
      word[0] = midge_pixel_pair(first, second);
      word[1] = midge_pixel_pair(before, first);
      before = second;
      weight += 2 * columns;
      word += 2 * columns;
    }
  }
}

/* Some runs of one channel. `plane` and `output` are the band's. */
static inline void midge_planes_run(midge_planes_job *job, const int32_t *run, int32_t runs, const int32_t *plane,
                                    int8_t *output, midge_planes_loop both, midge_planes_loop one) {
  for (; runs > 0; --runs) {
    job->plane = plane + run[0];
    job->output = output + run[1];
    job->column_step = run[2];
    job->row_step = run[3];
    job->output_columns = run[4];
    job->rows = run[5];
    job->advance = run[6];
    if (run[3] != 0) {
      both(job);
    } else {
      one(job);
    }
    run += MIDGE_PLANES_RUN_WORDS;
  }
}

/* Up to four channels of one image. `image` and `output` are the first one's first pixels. */
static inline void midge_planes_image(const midge_planes_params *params, const int8_t *padding, int32_t channel,
                                      int32_t channels, const int8_t *image, int8_t *output, midge_planes_job *job,
                                      int32_t *planes, int exact, midge_planes_loader load, midge_planes_loop both,
                                      midge_planes_loop one) {
  const int32_t keep = params->keep_pairs;
  const int32_t done = params->band_pairs - keep;
  const int32_t taps = params->filter_height * params->filter_width;
  int32_t present = 0;
  int32_t begin = 0;

  for (int32_t band = params->bands; band >= 0; --band) {
    const int last = band == 0;
    const int32_t pairs = last ? params->last_pairs : params->band_pairs;
    const int32_t *runs = last ? params->runs + params->band_runs * MIDGE_PLANES_RUN_WORDS : params->runs;
    const int32_t count = last ? params->last_runs : params->band_runs;
    const int32_t *record = params->records + (ptrdiff_t)4 * channel;
    const int8_t *weights = params->weights + (ptrdiff_t)channel * taps;
    int32_t *plane = planes;

    if (params->line) {
      midge_planes_pack_line(params, image, padding, channels, planes);
    } else {
      midge_planes_pack_rows(params, image, padding, channels, begin + present, begin + pairs,
                             planes + present * params->pitch);
    }
    for (int32_t i = 0; i < channels; ++i) {
      job->start = record[0];
      job->multiplier = record[1];
      job->offset = record[2];
      job->shift = record[3];
      load(params, weights, exact ? 1 : (int32_t)1 << record[3], job);
      midge_planes_run(job, runs, count, plane, output + i, both, one);
      if (!last) {
        memmove(plane, plane + done * params->pitch, (size_t)(keep * params->pitch) * sizeof *plane);
      }
      record += 4;
      weights += taps;
      plane += params->plane_words;
    }
    output += params->band_output;
    begin += done;
    present = keep;
  }
}

/* The kernels' bodies, with their loops for blocks of two rows and of one. Inline, so that all calls are direct. */
static inline void midge_planes_body(const midge_planes_params *params, const int8_t *input, int8_t *output,
                                     void *scratch, int exact, midge_planes_loader load, midge_planes_loop both,
                                     midge_planes_loop one) {
  const int32_t all = params->channels;
  const int32_t words = params->plane_words * (all < MIDGE_PLANES_GROUP ? all : MIDGE_PLANES_GROUP);
  int32_t *planes = (int32_t *)scratch + params->weight_words;
  int8_t padding[MIDGE_PLANES_GROUP];
  midge_planes_job job;

  memset(padding, params->input_zero_point, sizeof padding);
  for (int32_t i = 0; i < words; ++i) { /* columns of padding keep this */
    planes[i] = midge_pixel_pair(params->input_zero_point, params->input_zero_point);
  }
  job.weights = scratch;
  job.columns = params->block_columns;
  job.reach = params->reach;
  job.pitch = 4 * params->pitch;
  job.column_stride = 4 * params->column_stride;
  for (int32_t channel = 0; channel < all; channel += MIDGE_PLANES_GROUP) {
    const int32_t rest = all - channel;
    const int32_t channels = rest < MIDGE_PLANES_GROUP ? rest : MIDGE_PLANES_GROUP;
    for (int32_t batch = 0; batch < params->batches; ++batch) {
      midge_planes_image(params, padding, channel, channels, input + channel + (ptrdiff_t)batch * params->input_bytes,
                         output + channel + (ptrdiff_t)batch * params->output_bytes, &job, planes, exact, load, both,
                         one);
    }
  }
  midge_clamp_tensor(output, params->batches * params->output_bytes, params->activation_min, params->activation_max);
}

#endif
