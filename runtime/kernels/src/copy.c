#include <stddef.h>

#include "memory_functions.h"
#include "midge/kernels.h"

/* The innermost axis where one side is not dense. The sizes differ only in what one element is copied with: memcpy of
 * a constant size is one load and one store, whatever the alignment. */
static void copy_strided_row(const uint8_t *input, uint8_t *output, int32_t count, int32_t size, ptrdiff_t input_step,
                             ptrdiff_t output_step) {
  if (size == 1) {
    for (int32_t i = 0; i < count; ++i) {
      output[i * output_step] = input[i * input_step];
    }
  } else if (size == 4) {
    for (int32_t i = 0; i < count; ++i) {
      memcpy(output + i * output_step, input + i * input_step, 4);
    }
  } else {
    for (int32_t i = 0; i < count; ++i) {
      memcpy(output + i * output_step, input + i * input_step, (size_t)size);
    }
  }
}

void midge_copy(const midge_copy_params *params, const void *input, void *output) {
  const int32_t size = params->element_size;
  const int32_t *shape = params->shape;
  const int32_t *in_stride = params->input_stride;
  const int32_t *out_stride = params->output_stride;
  const int inner = MIDGE_MAX_RANK - 1;
  const uint8_t *source = (const uint8_t *)input + (ptrdiff_t)params->input_offset * size;
  uint8_t *target = (uint8_t *)output + (ptrdiff_t)params->output_offset * size;
  int32_t index[MIDGE_MAX_RANK - 1] = {0};

  for (;;) {
    if (in_stride[inner] == 1 && out_stride[inner] == 1) {
      memcpy(target, source, (size_t)shape[inner] * (size_t)size);
    } else {
      copy_strided_row(source, target, shape[inner], size, (ptrdiff_t)in_stride[inner] * size,
                       (ptrdiff_t)out_stride[inner] * size);
    }
    int axis = inner - 1;
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
