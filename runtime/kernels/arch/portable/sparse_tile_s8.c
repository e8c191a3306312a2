#include "finish.h"
#include "sparse.h"

void midge_sparse_tile_s8(const midge_sparse_job *job) {
  const midge_output_range range = {job->zero_point, job->low, job->high};
  const uint16_t *list = job->lists;
  int8_t *tile = job->tile;

  for (int32_t i = 0; i < job->depth; ++i) {
    for (int32_t pixel = 0; pixel < job->pixels; ++pixel) {
      tile[MIDGE_SPARSE_PIXELS * i + pixel] = job->input[(ptrdiff_t)pixel * job->step + i];
    }
  }
  for (int32_t channel = 0; channel < job->channels; ++channel) {
    int32_t sums[MIDGE_SPARSE_PIXELS] = {0, 0, 0, 0, 0, 0, 0, 0};
    for (int32_t first = 0; first < job->depth; first += MIDGE_SPARSE_SEGMENT) {
      for (int32_t left = *list++; left > 0; --left) {
        const int8_t *x = tile + (ptrdiff_t)MIDGE_SPARSE_PIXELS * (first + (*list & 255));
        const int32_t weight = midge_sparse_weight(*list++);
        for (int32_t pixel = 0; pixel < job->pixels; ++pixel) {
          sums[pixel] += weight * x[pixel];
        }
      }
    }
    midge_finish_pixels_s8(&range, sums, job->records + (ptrdiff_t)3 * channel, job->pixels, job->output + channel,
                           job->channels);
  }
}
