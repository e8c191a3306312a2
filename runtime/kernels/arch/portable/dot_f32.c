#include "inner_loops.h"

void midge_dot4_f32(const float *input, int32_t runs, int32_t length, int32_t stride, const float *weights,
                    float sum[4]) {
  float sum0 = sum[0];
  float sum1 = sum[1];
  float sum2 = sum[2];
  float sum3 = sum[3];

  for (; runs > 0; --runs) {
    for (int32_t i = 0; i < length; ++i) {
      const float x = input[i];
      sum0 += x * weights[0];
      sum1 += x * weights[1];
      sum2 += x * weights[2];
      sum3 += x * weights[3];
      weights += 4;
    }
    input += stride;
  }
  sum[0] = sum0;
  sum[1] = sum1;
  sum[2] = sum2;
  sum[3] = sum3;
}

float midge_dot1_f32(const float *input, int32_t runs, int32_t length, int32_t stride, const float *weights,
                      float sum) {
  for (; runs > 0; --runs) {
    for (int32_t i = 0; i < length; ++i) {
      sum += input[i] * weights[i];
    }
    input += stride;
    weights += length;
  }
  return sum;
}
