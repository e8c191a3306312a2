#include <stddef.h>

#include "inner_loops.h"
#include "memory_functions.h"
#include "window.h"

void midge_gather_runs_s8(const int8_t *first, int32_t runs, int32_t length, int32_t stride, int8_t *patch) {
  for (int32_t run = 0; run < runs; ++run) {
    memcpy(patch + (ptrdiff_t)run * length, first + (ptrdiff_t)run * stride, (size_t)length);
  }
}

void midge_gather_clipped_s8(const midge_window *window, const int8_t *image, int32_t y, int32_t x, int32_t padding,
                             int8_t *patch) {
  midge_gather_window(window, image, 1, y, x, 0, window->input_channels, (int8_t)padding, patch);
}
