/* Fully connected layers that multiply two channels at a time without expanding their weights; see kernels.h.
 *
 * A word of weights holds four channels as bytes w + 128. Masked, it is w + 128 of channels 0 and 2 in two halfwords;
 * shifted and masked, of channels 1 and 3. Its products with the inputs of a segment add up to two sums and 128 times
 * the inputs' sum, which is taken off once per segment. Segments are as in joined.h. */
#ifndef MIDGE_MASKED_H
#define MIDGE_MASKED_H

#include <stdint.h>

/* One group of channels. The inner loop moves words and segments on to the next group's. Assembly reads this as words
 * in this order. */
typedef struct {
  const int8_t *input;
  int32_t depth;
  const uint32_t *words;
  const uint8_t *segments;
  int32_t sum[8]; /* every segment adds 2^15 to those of the first two of four channels */
} midge_masked_job;

/* Inner loops, replaced like those of inner_loops.h: groups of four and of eight channels. */
void midge_masked_dot4_s8(midge_masked_job *job);
void midge_masked_dot8_s8(midge_masked_job *job);

/* The same for weights of four bits and groups of eight channels; every segment adds 2^15 to even channels. The words
 * of `nibbles` hold eight channels as w + 8, from the lowest bits up channels 0, 2, 4, 6, 1, 3, 5, 7; those of `codes`
 * eight indices, channel by channel. The table has the sum of value[i] and 65536 * value[j] at i + 16 * j. */
void midge_nibbles_dot8_s8(midge_masked_job *job);
void midge_codes_dot8_s8(midge_masked_job *job, const int32_t table[256]);

#endif
