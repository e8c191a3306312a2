#include "blocks.h"
#include "requantize.h"

/* A rounded division by 2^(32 - n) is a rounded high product with 2^n. */
static int8_t scale(int32_t sum, const int32_t *record, const midge_block_tile *job) {
  const int32_t x = midge_add_wrap(sum, record[0]);
  const int32_t scaled = x + (int32_t)(((int64_t)x * record[1] + ((int64_t)1 << 31)) >> 32);
  const int32_t signless = scaled + (scaled >> 31);
  const int32_t shifted = (int32_t)(((int64_t)signless * record[2] + ((int64_t)1 << 31)) >> 32);
  return (int8_t)midge_clamp(shifted + job->zero_point, job->low, job->high);
}

/* Adds the products of one block. */
static void add_block(const int32_t *words, const int16_t *x, int32_t sums[MIDGE_BLOCK_CHANNELS]) {
  for (int32_t pair = 0; pair < MIDGE_BLOCK_WORDS; ++pair) {
    for (int32_t i = 0; i < MIDGE_BLOCK_INPUTS; ++i) {
      const int32_t both = (int16_t)(uint16_t)((uint32_t)words[pair] >> (16 * i));
      const int32_t even = (int8_t)(uint8_t)(both & 255);
      sums[2 * pair] += even * x[i];
      sums[2 * pair + 1] += (both - even) / 256 * x[i];
    }
  }
}

void midge_block_pairs_tile_s8(const midge_block_tile *job) {
  const int32_t *word = job->blocks;
  int16_t *tile = job->tile; /* [columns][2 pixels][2 inputs] */

  for (int32_t i = 0; i < job->depth + (job->depth & 1); ++i) {
    for (int32_t pixel = 0; pixel < 2; ++pixel) {
      const int8_t *input = job->input + (pixel < job->pixels ? (ptrdiff_t)pixel * job->step : 0);
      tile[i / 2 * 4 + 2 * pixel + i % 2] = i < job->depth ? input[i] : 0;
    }
  }
  for (int32_t channel = 0; channel < job->channels; channel += MIDGE_BLOCK_CHANNELS) {
    const int32_t left = job->channels - channel;
    int32_t sums[2][MIDGE_BLOCK_CHANNELS] = {{0}, {0}};
    for (int32_t pairs = *word++; pairs > 0; --pairs) {
      const uint32_t columns = (uint32_t)*word++;
      for (int32_t pixel = 0; pixel < job->pixels; ++pixel) {
        add_block(word, tile + columns % 65536 / 2 + 2 * pixel, sums[pixel]);
        add_block(word + MIDGE_BLOCK_WORDS, tile + columns / 65536 / 2 + 2 * pixel, sums[pixel]);
      }
      word += 2 * MIDGE_BLOCK_WORDS;
    }
    for (int32_t pixel = 0; pixel < job->pixels; ++pixel) {
      for (int32_t j = 0; j < MIDGE_BLOCK_CHANNELS && j < left; ++j) {
        job->output[pixel * job->channels + channel + j] =
            scale(sums[pixel][j], job->records + (ptrdiff_t)3 * (channel + j), job);
      }
    }
  }
}
