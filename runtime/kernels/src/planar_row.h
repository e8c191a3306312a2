/* The rows of midge_depthwise_conv_2d_planar_s8 in C, for a type of inputs; see planar.h. */
#ifndef MIDGE_PLANAR_ROW_H
#define MIDGE_PLANAR_ROW_H

#include "planar.h"

/* Defines a function NAME for inputs of type TYPE: four pixels at a time, then one by one. */
#define MIDGE_PLANAR_ROW(NAME, TYPE)                                 \
  void NAME(const midge_planar_job *job) {                           \
    const int32_t stride = job->stride;                              \
    const TYPE *window = job->plane;                                 \
    int32_t *sums = job->sums;                                       \
    int32_t left = job->count;                                       \
                                                                     \
    for (; left >= 4; left -= 4) {                                   \
      const TYPE *row = window;                                      \
      const int32_t *tap = job->taps;                                \
      int32_t sum0 = 0;                                              \
      int32_t sum1 = 0;                                              \
      int32_t sum2 = 0;                                              \
      int32_t sum3 = 0;                                              \
      for (int32_t y = job->filter_height; y > 0; --y) {             \
        const TYPE *x0 = row;                                        \
        const TYPE *x1 = x0 + stride;                                \
        const TYPE *x2 = x1 + stride;                                \
        const TYPE *x3 = x2 + stride;                                \
        const int32_t *end = tap + job->filter_width;                \
        do {                                                         \
          const int32_t weight = *tap++;                             \
          sum0 += weight * *x0++;                                    \
          sum1 += weight * *x1++;                                    \
          sum2 += weight * *x2++;                                    \
          sum3 += weight * *x3++;                                    \
        } while (tap != end);                                        \
        row += job->row_bytes;                                       \
      }                                                              \
      sums[0] = sum0;                                                \
      sums[1] = sum1;                                                \
      sums[2] = sum2;                                                \
      sums[3] = sum3;                                                \
      sums += 4;                                                     \
      window += 4 * stride;                                          \
    }                                                                \
    for (; left > 0; --left) {                                       \
      const TYPE *row = window;                                      \
      const int32_t *tap = job->taps;                                \
      int32_t sum = 0;                                               \
      for (int32_t y = job->filter_height; y > 0; --y) {             \
        const TYPE *x = row;                                         \
        const int32_t *end = tap + job->filter_width;                \
        do {                                                         \
          sum += *tap++ * *x++;                                      \
        } while (tap != end);                                        \
        row += job->row_bytes;                                       \
      }                                                              \
      *sums++ = sum;                                                 \
      window += stride;                                              \
    }                                                                \
  }

#endif
