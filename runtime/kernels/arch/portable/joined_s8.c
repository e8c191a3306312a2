#include "joined.h"
#include "requantize.h"

int32_t *midge_joined_expand_s8(const int8_t *weights, int32_t depth, int32_t *words) {
  for (int32_t i = 0; i < depth; ++i) {
    words[0] = weights[0] + weights[1] * (1 << 24);
    words[1] = weights[2] + weights[3] * (1 << 24);
    words += 2;
    weights += 4;
  }
  return words;
}

void midge_joined_dot_s8(midge_joined_job *job) {
  const int32_t depth = job->runs * job->length;
  const int32_t step = job->sum_step / 4;

  for (; job->groups > 0; --job->groups) {
    for (int32_t pixel = 0; pixel < 2; ++pixel) {
      for (int32_t pair = 0; pair < 2; ++pair) {
        const int8_t *x = job->pixel[pixel];
        const int32_t *words = job->words + pair;
        int32_t *target = job->sum + pixel * step + 2 * pair;
        int64_t sum = 0;
        for (int32_t run = 0; run < job->runs; ++run) {
          for (int32_t i = 0; i < job->length; ++i) {
            sum += (int64_t)*x++ * *words;
            words += 2;
          }
          x += run + 1 < job->runs ? job->gap : 0;
        }
        target[0] = (int32_t)((uint32_t)sum << 8) >> 8;
        target[1] = (int32_t)((sum - target[0]) >> 24);
      }
    }
    job->words += 2 * depth;
    job->sum += 4;
  }
}
