#include "masked.h"
#include "masked_dot.h"

void midge_masked_dot8_s8(midge_masked_job *job) {
  const int8_t *input = job->input;
  const int8_t *last = input + job->depth;
  const uint32_t *words = job->words;
  int32_t *sum = job->sum;

  for (int32_t i = 0; i < 8; ++i) {
    sum[i] = 0;
  }
  while (input != last) {
    const int8_t *end = input + *job->segments++;
    uint32_t total = 0;
    uint32_t even0 = MIDGE_MASKED_START;
    uint32_t odd0 = MIDGE_MASKED_START;
    uint32_t even1 = MIDGE_MASKED_START;
    uint32_t odd1 = MIDGE_MASKED_START;
    if ((end - input) & 1) {
      const uint32_t x = (uint32_t)*input++;
      total += x;
      even0 += x * (words[0] & MIDGE_MASKED_BYTES);
      odd0 += x * (words[0] >> 8 & MIDGE_MASKED_BYTES);
      even1 += x * (words[1] & MIDGE_MASKED_BYTES);
      odd1 += x * (words[1] >> 8 & MIDGE_MASKED_BYTES);
      words += 2;
    }
    while (input != end) {
      const uint32_t x = (uint32_t)input[0];
      total += x;
      even0 += x * (words[0] & MIDGE_MASKED_BYTES);
      odd0 += x * (words[0] >> 8 & MIDGE_MASKED_BYTES);
      even1 += x * (words[1] & MIDGE_MASKED_BYTES);
      odd1 += x * (words[1] >> 8 & MIDGE_MASKED_BYTES);
      const uint32_t next = (uint32_t)input[1];
      total += next;
      even0 += next * (words[2] & MIDGE_MASKED_BYTES);
      odd0 += next * (words[2] >> 8 & MIDGE_MASKED_BYTES);
      even1 += next * (words[3] & MIDGE_MASKED_BYTES);
      odd1 += next * (words[3] >> 8 & MIDGE_MASKED_BYTES);
      input += 2;
      words += 4;
    }
    total *= MIDGE_MASKED_OFFSET;
    midge_masked_split(even0, total, sum);
    midge_masked_split(odd0, total, sum + 1);
    midge_masked_split(even1, total, sum + 4);
    midge_masked_split(odd1, total, sum + 5);
  }
  job->words = words;
}
