/* What the portable loops over planes share. */
#ifndef MIDGE_PORTABLE_PLANES_LOOPS_H
#define MIDGE_PORTABLE_PLANES_LOOPS_H

#include "inner_loops.h"
#include "requantize.h"

/* One pixel pair times one pair of weights. */
static inline int32_t midge_pair_product(int32_t pixels, int32_t weights) {
  return (int32_t)(int16_t)pixels * (int16_t)weights + (pixels >> 16) * (weights >> 16);
}

/* The requantization of kernels.h: with one rounding, and with two. */
static inline int8_t midge_planes_finish(const midge_planes_job *job, int32_t sum) {
  const int32_t scaled = (int32_t)((int64_t)sum * job->multiplier >> 32) + job->offset;
  return (int8_t)midge_clamp(scaled >> 9, INT8_MIN, INT8_MAX);
}

static inline int8_t midge_planes_finish_exact(const midge_planes_job *job, int32_t sum) {
  const int32_t scaled = sum + (int32_t)(((int64_t)sum * job->multiplier + ((int64_t)1 << 31)) >> 32);
  return (int8_t)midge_clamp((scaled + (scaled >> 31) + job->offset) >> job->shift, INT8_MIN, INT8_MAX);
}

typedef int8_t (*midge_planes_finisher)(const midge_planes_job *job, int32_t sum);

/* All rows of a job with a 3x3 filter, one output row of each (`both` is 0) or two. */
static inline void midge_planes_run_3x3(const midge_planes_job *job, int both, int32_t stride,
                                        midge_planes_finisher finish) {
  const int32_t *plane = job->plane;
  const int32_t pitch = job->pitch / 4;
  int8_t *output = job->output;

  for (int32_t row = 0; row < job->rows; ++row) {
    for (int32_t first = 0; first < job->output_columns; first += 2) {
      int8_t result[2][2];
      if (first + 1 == job->output_columns) {
        --first;
        output -= job->column_step;
      }
      for (int32_t column = 0; column < 2; ++column) {
        const int32_t *word = plane + (first + column) * stride;
        int32_t sum = job->start;
        int32_t next = job->start;
        for (int32_t i = 0; i < 3; ++i) {
          sum += midge_pair_product(word[i], job->upper[i]) + (int16_t)word[pitch + i] * (job->lower[i] >> 16);
          next += (word[i] >> 16) * (int16_t)job->upper[i] + midge_pair_product(word[pitch + i], job->lower[i]);
        }
        result[0][column] = finish(job, sum);
        result[1][column] = both ? finish(job, next) : 0;
      }
      if (both) {
        output[job->row_step + job->column_step] = result[1][1];
        output[job->row_step] = result[1][0];
      }
      output[job->column_step] = result[0][1];
      output[0] = result[0][0];
      output += 2 * job->column_step;
    }
    plane += pitch;
    output += job->advance;
  }
}

/* All rows of a job with any filter. */
static inline void midge_planes_run_taps(const midge_planes_job *job, midge_planes_finisher finish) {
  const int32_t pitch = job->pitch / 4;
  const int32_t stride = job->column_stride / 4;
  int8_t *output = job->output;

  for (int32_t row = 0; row < job->rows; ++row) {
    const int32_t *plane = job->plane + row * pitch;
    for (int32_t first = 0; first < job->output_columns; first += 2) {
      int8_t result[2][2];
      if (first + 1 == job->output_columns) {
        --first;
        plane -= stride;
        output -= job->column_step;
      }
      for (int32_t column = 0; column < 2; ++column) {
        const int32_t *weights = job->weights;
        int32_t sum = job->start;
        int32_t next = job->start;
        for (int32_t y = 0; y < job->reach; ++y) {
          const int32_t *word = plane + y * pitch;
          for (int32_t x = 0; x < job->columns; ++x) {
            sum += midge_pair_product(word[x], weights[0]);
            next += midge_pair_product(word[x], weights[1]);
            weights += 2;
          }
        }
        result[0][column] = finish(job, sum);
        result[1][column] = finish(job, next);
        plane += stride;
      }
      output[job->row_step + job->column_step] = result[1][1];
      output[job->row_step] = result[1][0];
      output[job->column_step] = result[0][1];
      output[0] = result[0][0];
      output += 2 * job->column_step;
    }
    output += job->advance;
  }
}

#endif
