#include "masked.h"
#include "masked_dot.h"

enum {
  NIBBLES = 0x000F000F, /* every fourth nibble of a word */
  OFFSET = 0x00080008
};

/* Adds the two sums of one segment. */
static inline void split(uint32_t both, uint32_t offset, int32_t *sum) {
  const uint32_t sums = both - offset;
  sum[0] = (int32_t)((uint32_t)sum[0] + (sums & 0xFFFF));
  sum[1] += (int32_t)sums >> 16;
}

/* Channels 0 and 4, 1 and 5, 2 and 6, 3 and 7 of a word lie 16 bits apart; the words' nibbles are in the order
 * 0, 2, 4, 6, 1, 3, 5, 7, so that even channels are the lower of two neighbours. */
void midge_nibbles_dot8_s8(midge_masked_job *job) {
  const int8_t *input = job->input;
  const int8_t *last = input + job->depth;
  const uint32_t *words = job->words;
  int32_t *sum = job->sum;

  for (int32_t i = 0; i < 8; ++i) {
    sum[i] = 0;
  }
  do {
    const int8_t *end = input + *job->segments++;
    uint32_t total = 0;
    uint32_t both0 = MIDGE_MASKED_START;
    uint32_t both2 = MIDGE_MASKED_START;
    uint32_t both4 = MIDGE_MASKED_START;
    uint32_t both6 = MIDGE_MASKED_START;
    do {
      const uint32_t x = (uint32_t)*input++;
      const uint32_t word = *words++;
      total += x;
      both0 += x * (word & NIBBLES);
      both2 += x * (word >> 4 & NIBBLES);
      both4 += x * (word >> 8 & NIBBLES);
      both6 += x * (word >> 12 & NIBBLES);
    } while (input != end);
    total *= OFFSET;
    split(both0, total, sum);
    split(both2, total, sum + 2);
    split(both4, total, sum + 4);
    split(both6, total, sum + 6);
  } while (input != last);
  job->words = words;
}
