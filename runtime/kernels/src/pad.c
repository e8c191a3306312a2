#include <stddef.h>

#include "memory_functions.h"
#include "midge/kernels.h"

/* Fills `count` elements and returns the byte behind them. */
static uint8_t *fill(uint8_t *target, int32_t count, const midge_pad_params *params) {
  const size_t size = (size_t)params->element_size;
  if (size == 1) {
    memset(target, params->value[0], (size_t)count);
    return target + count;
  }
  for (int32_t i = 0; i < count; ++i) {
    memcpy(target, params->value, size);
    target += size;
  }
  return target;
}

void midge_pad(const midge_pad_params *params, const void *input, void *output) {
  const int inner = MIDGE_MAX_RANK - 1;
  const size_t row_bytes = (size_t)params->input_shape[inner] * (size_t)params->element_size;
  const int32_t row_elements = params->before[inner] + params->input_shape[inner] + params->after[inner];
  const uint8_t *source = input;
  uint8_t *target = output;
  int32_t index[MIDGE_MAX_RANK - 1]; /* of the row in the input: negative or beyond its extent in the padding */

  for (int axis = 0; axis < inner; ++axis) {
    index[axis] = -params->before[axis];
  }
  for (;;) {
    int inside = 1;
    for (int axis = 0; axis < inner; ++axis) {
      inside = inside && index[axis] >= 0 && index[axis] < params->input_shape[axis];
    }
    if (inside) {
      target = fill(target, params->before[inner], params);
      memcpy(target, source, row_bytes);
      source += row_bytes;
      target = fill(target + row_bytes, params->after[inner], params);
    } else {
      target = fill(target, row_elements, params);
    }
    int axis = inner - 1;
    for (; axis >= 0; --axis) {
      if (++index[axis] < params->input_shape[axis] + params->after[axis]) {
        break;
      }
      index[axis] = -params->before[axis];
    }
    if (axis < 0) {
      return;
    }
  }
}
