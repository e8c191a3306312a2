/* Walking two broadcast operands row by row. */
#ifndef MIDGE_BROADCAST_H
#define MIDGE_BROADCAST_H

#include <stddef.h>

#include "midge/kernels.h"

/* Where a row begins, in elements. Start with all zeros. */
typedef struct {
  ptrdiff_t input1;
  ptrdiff_t input2;
  ptrdiff_t output;
  int32_t index[MIDGE_MAX_RANK - 1];
} midge_row;

/* Moves on to the next row; returns 0 when there is none. */
static inline int midge_next_row(const midge_broadcast *broadcast, midge_row *row) {
  const int32_t *shape = broadcast->shape;
  row->output += shape[MIDGE_MAX_RANK - 1];
  for (int axis = MIDGE_MAX_RANK - 2; axis >= 0; --axis) {
    if (shape[axis] == 1) {
      continue;
    }
    row->input1 += broadcast->input1_stride[axis];
    row->input2 += broadcast->input2_stride[axis];
    if (++row->index[axis] < shape[axis]) {
      return 1;
    }
    row->input1 -= (ptrdiff_t)broadcast->input1_stride[axis] * shape[axis];
    row->input2 -= (ptrdiff_t)broadcast->input2_stride[axis] * shape[axis];
    row->index[axis] = 0;
  }
  return 0;
}

/* Defines a kernel that computes each output element from the two input elements `a` and `b`. PREPARE declares what
 * EXPRESSION needs of `params`: values of its own, which a store to the output cannot change. */
#define MIDGE_BINARY_KERNEL(NAME, TYPE, PREPARE, EXPRESSION)                                         \
  void NAME(const NAME##_params *params, const TYPE *input1, const TYPE *input2, TYPE *output) {     \
    const int32_t count = params->broadcast.shape[MIDGE_MAX_RANK - 1];                               \
    const ptrdiff_t step1 = params->broadcast.input1_stride[MIDGE_MAX_RANK - 1];                     \
    const ptrdiff_t step2 = params->broadcast.input2_stride[MIDGE_MAX_RANK - 1];                     \
    midge_row row = {0, 0, 0, {0}};                                                                  \
    PREPARE                                                                                          \
    do {                                                                                             \
      const TYPE *row1 = input1 + row.input1;                                                        \
      const TYPE *row2 = input2 + row.input2;                                                        \
      TYPE *target = output + row.output;                                                            \
      for (int32_t i = 0; i < count; ++i) {                                                          \
        const TYPE a = *row1;                                                                        \
        const TYPE b = *row2;                                                                        \
        target[i] = (EXPRESSION);                                                                    \
        row1 += step1;                                                                               \
        row2 += step2;                                                                               \
      }                                                                                              \
    } while (midge_next_row(&params->broadcast, &row));                                              \
  }

#endif
