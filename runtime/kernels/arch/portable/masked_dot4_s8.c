#include "masked.h"
#include "masked_dot.h"

void midge_masked_dot4_s8(midge_masked_job *job) {
  const int8_t *input = job->input;
  const int8_t *last = input + job->depth;
  const uint32_t *words = job->words;
  int32_t sum[4] = {0, 0, 0, 0};

  while (input != last) {
    const int8_t *end = input + *job->segments++;
    uint32_t total = 0;
    uint32_t even = MIDGE_MASKED_START;
    uint32_t odd = MIDGE_MASKED_START;
    do {
      const uint32_t x = (uint32_t)*input++;
      const uint32_t word = *words++;
      total += x;
      even += x * (word & MIDGE_MASKED_BYTES);
      odd += x * (word >> 8 & MIDGE_MASKED_BYTES);
    } while (input != end);
    total *= MIDGE_MASKED_OFFSET;
    midge_masked_split(even, total, sum);
    midge_masked_split(odd, total, sum + 1);
  }
  for (int32_t i = 0; i < 4; ++i) {
    job->sum[i] = sum[i];
  }
  job->words = words;
}
