#include "inner_loops.h"

void midge_depthwise4_s8(const int8_t *window, int32_t rows, int32_t row_stride, int32_t columns, int32_t column_stride,
                         const int8_t *weights, int32_t sum[4]) {
  int32_t sum0 = 0;
  int32_t sum1 = 0;
  int32_t sum2 = 0;
  int32_t sum3 = 0;

  for (; rows > 0; --rows) {
    const int8_t *pixel = window;
    for (int32_t column = columns; column > 0; --column) {
      sum0 += (int32_t)pixel[0] * weights[0];
      sum1 += (int32_t)pixel[1] * weights[1];
      sum2 += (int32_t)pixel[2] * weights[2];
      sum3 += (int32_t)pixel[3] * weights[3];
      pixel += column_stride;
      weights += 4;
    }
    window += row_stride;
  }
  sum[0] = sum0;
  sum[1] = sum1;
  sum[2] = sum2;
  sum[3] = sum3;
}

int32_t midge_depthwise1_s8(const int8_t *window, int32_t rows, int32_t row_stride, int32_t columns,
                            int32_t column_stride, const int8_t *weights) {
  int32_t sum = 0;

  for (; rows > 0; --rows) {
    const int8_t *pixel = window;
    for (int32_t column = columns; column > 0; --column) {
      sum += (int32_t)pixel[0] * weights[0];
      pixel += column_stride;
      weights += 1;
    }
    window += row_stride;
  }
  return sum;
}
