#include "masked.h"
#include "masked_dot.h"

/* Adds the two sums of one segment. Those of missing channels may overflow. */
static inline void split(uint32_t both, int32_t *sum) {
  sum[0] = (int32_t)((uint32_t)sum[0] + (both & 0xFFFF));
  sum[1] = (int32_t)((uint32_t)sum[1] + (uint32_t)((int32_t)both >> 16));
}

void midge_codes_dot8_s8(midge_masked_job *job, const int32_t table[256]) {
  const int8_t *input = job->input;
  const int8_t *last = input + job->depth;
  const uint8_t *codes = (const uint8_t *)job->words;
  int32_t *sum = job->sum;

  for (int32_t i = 0; i < 8; ++i) {
    sum[i] = 0;
  }
  do {
    const int8_t *end = input + *job->segments++;
    uint32_t both0 = MIDGE_MASKED_START;
    uint32_t both2 = MIDGE_MASKED_START;
    uint32_t both4 = MIDGE_MASKED_START;
    uint32_t both6 = MIDGE_MASKED_START;
    do {
      const int32_t x = *input++;
      both0 += (uint32_t)(x * table[codes[0]]);
      both2 += (uint32_t)(x * table[codes[1]]);
      both4 += (uint32_t)(x * table[codes[2]]);
      both6 += (uint32_t)(x * table[codes[3]]);
      codes += 4;
    } while (input != end);
    split(both0, sum);
    split(both2, sum + 2);
    split(both4, sum + 4);
    split(both6, sum + 6);
  } while (input != last);
  job->words += job->depth;
}
