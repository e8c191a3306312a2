/* What int8 pools share: the part of a window that lies inside the image, and the rounding of averages. */
#ifndef MIDGE_POOL_H
#define MIDGE_POOL_H

#include <stdint.h>

#include "midge/kernels.h"

typedef struct {
  int32_t begin; /* first row or column inside the image */
  int32_t count; /* at least 1 */
} midge_pool_span;

static inline midge_pool_span midge_pool_clip(int32_t begin, int32_t filter, int32_t extent) {
  const int32_t from = begin < 0 ? 0 : begin;
  const int32_t to = begin + filter > extent ? extent : begin + filter;
  const midge_pool_span span = {from, to - from};
  return span;
}

/* The quotient rounded half away from zero; the sum of at most 2^23 int8 values leaves room for half the count. */
static inline int32_t midge_pool_quotient(int32_t sum, int32_t count) {
  return sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
}

static inline midge_pool_span midge_pool_rows(const midge_window *window, int32_t output_row) {
  return midge_pool_clip(output_row * window->stride_height - window->padding_top, window->filter_height,
                         window->input_height);
}

static inline midge_pool_span midge_pool_columns(const midge_window *window, int32_t output_column) {
  return midge_pool_clip(output_column * window->stride_width - window->padding_left, window->filter_width,
                         window->input_width);
}

#endif
