#include <stddef.h>
#include <string.h>

#include "midge/kernels.h"

/* The innermost axis: whole where both sides are dense, else element by element. */
static void copy_row(const uint8_t *input, uint8_t *output, int32_t count, int32_t size, int32_t input_stride,
                     int32_t output_stride) {
  if (input_stride == 1 && output_stride == 1) {
    memcpy(output, input, (size_t)count * (size_t)size);
    return;
  }
  for (int32_t i = 0; i < count; ++i) {
    for (int32_t byte = 0; byte < size; ++byte) {
      output[byte] = input[byte];
    }
    input += (ptrdiff_t)input_stride * size;
    output += (ptrdiff_t)output_stride * size;
  }
}

void midge_copy(const midge_copy_params *params, const void *input, void *output) {
  const int32_t size = params->element_size;
  const int32_t *shape = params->shape;
  const int32_t *in_stride = params->input_stride;
  const int32_t *out_stride = params->output_stride;
  const uint8_t *source = (const uint8_t *)input + (ptrdiff_t)params->input_offset * size;
  uint8_t *target = (uint8_t *)output + (ptrdiff_t)params->output_offset * size;
  int32_t index[MIDGE_MAX_RANK - 1] = {0};

  for (;;) {
    copy_row(source, target, shape[MIDGE_MAX_RANK - 1], size, in_stride[MIDGE_MAX_RANK - 1],
             out_stride[MIDGE_MAX_RANK - 1]);
    int axis = MIDGE_MAX_RANK - 2;
    for (; axis >= 0; --axis) {
      source += (ptrdiff_t)in_stride[axis] * size;
      target += (ptrdiff_t)out_stride[axis] * size;
      if (++index[axis] < shape[axis]) {
        break;
      }
      source -= (ptrdiff_t)in_stride[axis] * shape[axis] * size;
      target -= (ptrdiff_t)out_stride[axis] * shape[axis] * size;
      index[axis] = 0;
    }
    if (axis < 0) {
      return;
    }
  }
}
