#include "inner_loops.h"

void midge_pool_sum4_s8(const int8_t *first, int32_t rows, int32_t row_stride, int32_t columns, int32_t column_stride,
                        int32_t sum[4]) {
  for (; rows > 0; --rows) {
    const int8_t *pixel = first;
    for (int32_t column = columns; column > 0; --column) {
      for (int32_t i = 0; i < 4; ++i) {
        sum[i] += pixel[i];
      }
      pixel += column_stride;
    }
    first += row_stride;
  }
}
