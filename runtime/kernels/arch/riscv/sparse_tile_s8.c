/* Eight sums stay in registers while a list is read. */
#include "finish.h"
#include "sparse.h"

/* Rows of eight pixels' inputs, channel by channel. Those of pixels that are missing mean nothing. */
static void spread(const midge_sparse_job *job) {
  const int8_t *input = job->input;
  for (int32_t pixel = 0; pixel < job->pixels; ++pixel) {
    int8_t *target = (int8_t *)job->tile + pixel;
    const int8_t *end = input + (job->depth & ~3);
    const int8_t *source = input;
    for (; source != end; source += 4) {
      target[0] = source[0];
      target[8] = source[1];
      target[16] = source[2];
      target[24] = source[3];
      target += 32;
    }
    end += job->depth & 3;
    for (; source != end; ++source) {
      *target = *source;
      target += 8;
    }
    if (pixel + 1 < job->pixels) {
      input += job->step;
    }
  }
}

void midge_sparse_tile_s8(const midge_sparse_job *job) {
  const midge_output_range range = {job->zero_point, job->low, job->high};
  const int32_t *records = job->records;
  const int32_t *records_end = records + (ptrdiff_t)3 * job->channels;
  const uint16_t *list = job->lists;
  const int8_t *tile_end = (const int8_t *)job->tile + (ptrdiff_t)8 * job->depth;
  int8_t *output = job->output;

  spread(job);
  for (; records != records_end; records += 3) {
    int32_t sums[MIDGE_SPARSE_PIXELS];
    int32_t sum0 = 0;
    int32_t sum1 = 0;
    int32_t sum2 = 0;
    int32_t sum3 = 0;
    int32_t sum4 = 0;
    int32_t sum5 = 0;
    int32_t sum6 = 0;
    int32_t sum7 = 0;
    for (const int8_t *tile = job->tile; tile < tile_end; tile += 8 * MIDGE_SPARSE_SEGMENT) {
      const int32_t count = *list++;
      for (const uint16_t *end = list + count; list != end; ++list) {
        const uint8_t *entry = (const uint8_t *)list; /* PORTABILITY: little-endian */
        const int8_t *x = tile + 8 * (uint32_t)entry[0];
        const int32_t weight = (int8_t)entry[1];
        sum0 += weight * x[0];
        sum1 += weight * x[1];
        sum2 += weight * x[2];
        sum3 += weight * x[3];
        sum4 += weight * x[4];
        sum5 += weight * x[5];
        sum6 += weight * x[6];
        sum7 += weight * x[7];
      }
    }
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
    sums[4] = sum4;
    sums[5] = sum5;
    sums[6] = sum6;
    sums[7] = sum7;
    midge_finish_pixels_s8(&range, sums, records, job->pixels, output++, job->channels);
  }
}
