#include "inner_loops.h"

void midge_depthwise4_f32(const float *window, int32_t rows, int32_t row_stride, int32_t columns, int32_t column_stride,
                         const float *weights, float sum[4]) {
  float sum0 = 0.0f;
  float sum1 = 0.0f;
  float sum2 = 0.0f;
  float sum3 = 0.0f;

  for (; rows > 0; --rows) {
    const float *pixel = window;
    for (int32_t column = columns; column > 0; --column) {
      sum0 += pixel[0] * weights[0];
      sum1 += pixel[1] * weights[1];
      sum2 += pixel[2] * weights[2];
      sum3 += pixel[3] * weights[3];
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

float midge_depthwise1_f32(const float *window, int32_t rows, int32_t row_stride, int32_t columns,
                           int32_t column_stride, const float *weights) {
  float sum = 0.0f;

  for (; rows > 0; --rows) {
    const float *pixel = window;
    for (int32_t column = columns; column > 0; --column) {
      sum += pixel[0] * weights[0];
      pixel += column_stride;
      weights += 1;
    }
    window += row_stride;
  }
  return sum;
}
