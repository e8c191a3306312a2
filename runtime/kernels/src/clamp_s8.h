/* The clamp of kernels whose loops saturate only: few layers have one, and it is cheap for four bytes at a time. */
#ifndef MIDGE_CLAMP_S8_H
#define MIDGE_CLAMP_S8_H

#include "inner_loops.h"

static inline void midge_clamp_tensor(int8_t *bytes, int32_t count, int32_t low, int32_t high) {
  if (low > INT8_MIN || high < INT8_MAX) {
    midge_clamp_bytes_s8(bytes, count, low, high);
  }
}

#endif
