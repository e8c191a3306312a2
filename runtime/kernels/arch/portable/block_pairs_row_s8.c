#include "blocks.h"
#include "finish.h"

/* Inputs at odd places behind the last one count as 0. */
void midge_block_pairs_row_s8(const midge_blocks_job *job) {
  const midge_output_range range = {job->zero_point, job->low, job->high};
  const uint8_t *place = job->places;
  const int32_t *block = job->blocks;
  const int32_t *records = job->records;
  int8_t *output = job->output;
  int16_t *row = job->scratch;

  for (int32_t i = 0; i < job->depth; ++i) {
    row[i] = job->input[i];
  }
  if (job->depth & 1) {
    row[job->depth] = 0;
  }
  for (int32_t left = job->channels; left > 0; left -= MIDGE_BLOCK_CHANNELS) {
    int32_t sums[MIDGE_BLOCK_CHANNELS] = {0, 0, 0, 0};
    for (int32_t first = 0; first < job->depth; first += MIDGE_BLOCK_INPUTS * MIDGE_BLOCK_SEGMENT) {
      for (int32_t blocks = 2 * *place++; blocks > 0; --blocks) {
        const int16_t *x = row + first + MIDGE_BLOCK_INPUTS * *place++;
        for (int32_t pair = 0; pair < MIDGE_BLOCK_WORDS; ++pair) {
          const uint32_t word = (uint32_t)*block++;
          for (int32_t i = 0; i < MIDGE_BLOCK_INPUTS; ++i) {
            const int32_t both = (int16_t)(uint16_t)(word >> (16 * i));
            const int32_t even = (int8_t)(uint8_t)(both & 255);
            sums[2 * pair] += even * x[i];
            sums[2 * pair + 1] += (both - even) / 256 * x[i];
          }
        }
      }
    }
    midge_finish_channels_s8(&range, sums, records, left < MIDGE_BLOCK_CHANNELS ? left : MIDGE_BLOCK_CHANNELS, output);
    records += 3 * MIDGE_BLOCK_CHANNELS;
    output += MIDGE_BLOCK_CHANNELS;
  }
}
