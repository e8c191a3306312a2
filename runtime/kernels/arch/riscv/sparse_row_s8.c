#include "finish.h"
#include "sparse.h"

enum { CHANNELS = 16 /* finished together */ };

void midge_sparse_row_s8(const midge_sparse_job *job) {
  const midge_output_range range = {job->zero_point, job->low, job->high};
  const uint16_t *list = job->lists;

  for (int32_t channel = 0; channel < job->channels; channel += CHANNELS) {
    const int32_t left = job->channels - channel;
    const int32_t channels = left < CHANNELS ? left : CHANNELS;
    int32_t sums[CHANNELS];
    for (int32_t i = 0; i < channels; ++i) {
      int32_t sum = 0;
      const int8_t *input = job->input;
      for (int32_t depth = job->depth; depth > 0; depth -= MIDGE_SPARSE_SEGMENT) {
        const int32_t count = *list++;
        const uint16_t *end = list + count;
        const uint16_t *even = end - (count & 3);
        for (; list != even; list += 4) {
          const uint8_t *entry = (const uint8_t *)list; /* PORTABILITY: little-endian */
          sum += (int8_t)entry[1] * input[entry[0]];
          sum += (int8_t)entry[3] * input[entry[2]];
          sum += (int8_t)entry[5] * input[entry[4]];
          sum += (int8_t)entry[7] * input[entry[6]];
        }
        for (; list != end; ++list) {
          const uint8_t *entry = (const uint8_t *)list;
          sum += (int8_t)entry[1] * input[entry[0]];
        }
        if (depth > MIDGE_SPARSE_SEGMENT) {
          input += MIDGE_SPARSE_SEGMENT;
        }
      }
      sums[i] = sum;
    }
    midge_finish_channels_s8(&range, sums, job->records + (ptrdiff_t)3 * channel, channels, job->output + channel);
  }
}
