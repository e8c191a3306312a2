#include "inner_loops.h"

void midge_dot4_s8(const int8_t *input, int32_t runs, int32_t length, int32_t stride, const int8_t *weights,
                   int32_t sum[4]) {
  int32_t sum0 = 0;
  int32_t sum1 = 0;
  int32_t sum2 = 0;
  int32_t sum3 = 0;

  for (; runs > 0; --runs) {
    const int8_t *x = input;
    int32_t left = length;
    for (; left >= 2; left -= 2) {
      const int32_t first = x[0];
      const int32_t second = x[1];
      sum0 += first * weights[0];
      sum1 += first * weights[1];
      sum2 += first * weights[2];
      sum3 += first * weights[3];
      sum0 += second * weights[4];
      sum1 += second * weights[5];
      sum2 += second * weights[6];
      sum3 += second * weights[7];
      x += 2;
      weights += 8;
    }
    if (left > 0) {
      const int32_t last = x[0];
      sum0 += last * weights[0];
      sum1 += last * weights[1];
      sum2 += last * weights[2];
      sum3 += last * weights[3];
      weights += 4;
    }
    input += stride;
  }
  sum[0] = sum0;
  sum[1] = sum1;
  sum[2] = sum2;
  sum[3] = sum3;
}

int32_t midge_dot1_s8(const int8_t *input, int32_t runs, int32_t length, int32_t stride, const int8_t *weights) {
  int32_t sum = 0;

  for (; runs > 0; --runs) {
    for (int32_t i = 0; i < length; ++i) {
      sum += (int32_t)input[i] * weights[i];
    }
    input += stride;
    weights += length;
  }
  return sum;
}
