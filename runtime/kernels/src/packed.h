/* Weights of four bits: what the kernels conv_2d and fully_connected `nibbles` and `codebook` share.
 *
 * Both work as pairs.h describes, on the same widened inputs, four channels to a block. A word of weights belongs to two
 * inputs of a channel block, the two halves of a word of the patch.
 *
 * nibbles: each half holds four channels' weights, digits of base 16: the first three are stored plus 8, the last one is
 * signed. A multiplication by the whole half adds up sum_0 + 16 sum_1 + 256 sum_2 + 4096 sum_3; by its low 12, 8 and 4
 * bits the same without the last sums. The differences of the four give each sum, exact as long as |sum_3| < 2^19,
 * |sum_2| < 2^23 and |sum_1| < 2^27, which the compiler of the model checks; 8 times the sum of the inputs comes off the
 * first three.
 * codebook: each byte holds two indices of one channel, the first input's in the low half. A table of all 256 pairs of
 * values lies right before the patch: one load gives the two weights as one word.
 */
#ifndef MIDGE_PACKED_H
#define MIDGE_PACKED_H

#include <stddef.h>
#include <stdint.h>

#include "inner_loops.h"
#include "pairs.h"

enum {
  MIDGE_CODEBOOK_VALUES = 16,
  MIDGE_CODEBOOK_PAIRS = 256 /* words of the table before the patch */
};

/* Writes the table of all pairs of values. */
static inline void midge_codebook_expand(const int8_t *codebook, int32_t *table) {
  for (int32_t high = 0; high < MIDGE_CODEBOOK_VALUES; ++high) {
    const uint32_t upper = (uint32_t)codebook[high] << 16;
    for (int32_t low = 0; low < MIDGE_CODEBOOK_VALUES; ++low) {
      *table++ = (int32_t)(upper | (uint16_t)codebook[low]);
    }
  }
}

/* Where the codebook lies: behind all blocks. */
static inline const int8_t *midge_codebook(const int32_t *blocks, int32_t block_words, int32_t channels) {
  return (const int8_t *)(blocks + (ptrdiff_t)((channels + 3) >> 2) * block_words);
}

/* The loops saturate to int8 only. */
static inline void midge_packed_clamp(int8_t *output, int32_t count, int32_t low, int32_t high) {
  if (low > -128 || high < 127) {
    midge_clamp_bytes_s8(output, count, low, high);
  }
}

/* The weights of four channels for one input of a word of weights: half 0 or 1. */
typedef void (*midge_packed_unpack)(int32_t word, int32_t half, const int16_t *patch, int32_t weights[4]);

static inline void midge_packed_nibbles(int32_t word, int32_t half, const int16_t *patch, int32_t weights[4]) {
  const int32_t digits = (int16_t)(uint16_t)((uint32_t)word >> (16 * half));
  (void)patch;
  weights[0] = (digits & 15) - 8;
  weights[1] = (digits >> 4 & 15) - 8;
  weights[2] = (digits >> 8 & 15) - 8;
  weights[3] = digits >> 12;
}

static inline void midge_packed_codes(int32_t word, int32_t half, const int16_t *patch, int32_t weights[4]) {
  const int16_t *table = patch - 2 * MIDGE_CODEBOOK_PAIRS;
  for (int32_t channel = 0; channel < 4; ++channel) {
    weights[channel] = table[2 * ((uint32_t)word >> (8 * channel) & 255) + (uint32_t)half];
  }
}

/* One block for `pixels` pixels, 1 or 2, which have been widened: `words` words each. The weights lie behind the first
 * `first` biases; the others follow, then the rest of the four records. */
static inline void midge_packed_block(const int32_t *block, const int16_t *patch, int32_t words, int32_t pixels,
                                      int32_t first, midge_packed_unpack unpack, const midge_pairs_job *job,
                                      int8_t *const output[2]) {
  const int32_t *weights = block + first;
  const int32_t *rest = weights + words;
  const int32_t *factors = rest + 4 - first;

  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    int32_t sum[4] = {0, 0, 0, 0};
    for (int32_t word = 0; word < words; ++word) {
      for (int32_t half = 0; half < 2; ++half) {
        int32_t values[4];
        unpack(weights[word], half, job->patch, values);
        for (int32_t channel = 0; channel < 4; ++channel) {
          sum[channel] += values[channel] * patch[2 * (word * pixels + pixel) + half];
        }
      }
    }
    for (int32_t channel = 0; channel < 4; ++channel) {
      const int32_t bias = channel < first ? block[channel] : rest[channel - first];
      const int32_t record[3] = {bias, factors[2 * channel], factors[2 * channel + 1]};
      output[pixel][channel] = midge_pairs_multiply(sum[channel], record, job);
    }
  }
}

/* The specification of the loops: `pixels` is 1 or 2. */
static inline void midge_packed_blocks(const midge_pairs_job *job, int32_t pixels, int32_t first,
                                       midge_packed_unpack unpack) {
  const int32_t words = (int32_t)(job->patch_end - job->patch) / (2 * pixels);
  const int8_t *input = job->input;
  int8_t *output[2] = {job->output[0], job->output[1]};

  for (int32_t pair = pixels == 2 ? job->count : 1; pair > 0; --pair) {
    if (pixels == 2 && job->quads > 0) {
      const ptrdiff_t stride = 4 * job->quads + job->gap;
      const midge_pairs_source sources[2] = {{input, stride}, {input + job->distance, stride}};
      midge_pairs_widen_s8(sources, job->runs, job->quads, job->patch);
      input += job->advance;
    }
    for (const int32_t *block = job->blocks; block != job->blocks_end; block += words + MIDGE_PAIRS_RECORDS) {
      midge_packed_block(block, job->patch, words, pixels, first, unpack, job, output);
      output[0] += 4;
      output[1] += 4;
    }
    output[0] = output[1];
    output[1] = output[0] + job->channels;
  }
}

#endif
