#include "blocks.h"
#include "finish.h"

void midge_blocks_row_s8(const midge_blocks_job *job) {
  const midge_output_range range = {job->zero_point, job->low, job->high};
  const uint8_t *place = job->places;
  const int8_t *weight = (const int8_t *)job->blocks;
  const int32_t *records = job->records;
  int8_t *output = job->output;

  for (int32_t left = job->channels; left > 0; left -= MIDGE_BLOCK_CHANNELS) {
    int32_t sums[MIDGE_BLOCK_CHANNELS] = {0, 0, 0, 0};
    for (int32_t first = 0; first < job->depth; first += MIDGE_BLOCK_INPUTS * MIDGE_BLOCK_SEGMENT) {
      for (int32_t blocks = 2 * *place++; blocks > 0; --blocks) {
        const int8_t *x = job->input + first + MIDGE_BLOCK_INPUTS * *place++;
        for (int32_t channel = 0; channel < MIDGE_BLOCK_CHANNELS; ++channel) {
          sums[channel] += x[0] * weight[channel] + x[1] * weight[MIDGE_BLOCK_CHANNELS + channel];
        }
        weight += MIDGE_BLOCK_INPUTS * MIDGE_BLOCK_CHANNELS;
      }
    }
    midge_finish_channels_s8(&range, sums, records, left < MIDGE_BLOCK_CHANNELS ? left : MIDGE_BLOCK_CHANNELS, output);
    records += 3 * MIDGE_BLOCK_CHANNELS;
    output += MIDGE_BLOCK_CHANNELS;
  }
}
