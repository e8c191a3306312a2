#include "requantize.h"
#include "sparse.h"

void midge_sparse_row_s8(const midge_sparse_job *job) {
  const uint16_t *list = job->lists;

  for (int32_t channel = 0; channel < job->channels; ++channel) {
    int32_t sum = 0;
    for (int32_t first = 0; first < job->depth; first += MIDGE_SPARSE_SEGMENT) {
      const int8_t *input = job->input + first;
      for (int32_t left = *list++; left > 0; --left) {
        sum += midge_sparse_weight(*list) * input[*list & 255];
        ++list;
      }
    }
    job->output[channel] = midge_requantize_record_s8(sum, job->records + (ptrdiff_t)3 * channel, job->zero_point,
                                                      job->low, job->high);
  }
}
