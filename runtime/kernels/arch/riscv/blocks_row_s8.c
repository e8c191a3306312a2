/* Four sums stay in registers; many channels are finished together. */
#include "blocks.h"
#include "finish.h"

enum { CHANNELS = 16 /* finished together */ };

void midge_blocks_row_s8(const midge_blocks_job *job) {
  const midge_output_range range = {job->zero_point, job->low, job->high};
  const uint8_t *place = job->places;
  const int8_t *weight = (const int8_t *)job->blocks;
  const int32_t *records = job->records;
  int8_t *output = job->output;

  for (int32_t left = job->channels; left > 0; left -= CHANNELS) {
    const int32_t channels = left < CHANNELS ? left : CHANNELS;
    int32_t sums[CHANNELS];
    for (int32_t channel = 0; channel < channels; channel += MIDGE_BLOCK_CHANNELS) {
      int32_t sum0 = 0;
      int32_t sum1 = 0;
      int32_t sum2 = 0;
      int32_t sum3 = 0;
      const int8_t *input = job->input;
      for (int32_t depth = job->depth; depth > 0; depth -= MIDGE_BLOCK_INPUTS * MIDGE_BLOCK_SEGMENT) {
        const int32_t blocks = 2 * *place++;
        for (const uint8_t *end = place + blocks; place != end; place += 2) {
          const int8_t *x = input + MIDGE_BLOCK_INPUTS * place[0];
          const int8_t *y = input + MIDGE_BLOCK_INPUTS * place[1];
          sum0 += x[0] * weight[0] + x[1] * weight[4] + y[0] * weight[8] + y[1] * weight[12];
          sum1 += x[0] * weight[1] + x[1] * weight[5] + y[0] * weight[9] + y[1] * weight[13];
          sum2 += x[0] * weight[2] + x[1] * weight[6] + y[0] * weight[10] + y[1] * weight[14];
          sum3 += x[0] * weight[3] + x[1] * weight[7] + y[0] * weight[11] + y[1] * weight[15];
          weight += 16;
        }
        if (depth > MIDGE_BLOCK_INPUTS * MIDGE_BLOCK_SEGMENT) {
          input += MIDGE_BLOCK_INPUTS * MIDGE_BLOCK_SEGMENT;
        }
      }
      sums[channel] = sum0;
      sums[channel + 1] = sum1;
      sums[channel + 2] = sum2;
      sums[channel + 3] = sum3;
    }
    midge_finish_channels_s8(&range, sums, records, channels, output);
    records += 3 * CHANNELS;
    output += CHANNELS;
  }
}
