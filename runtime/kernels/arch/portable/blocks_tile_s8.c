#include "blocks.h"
#include "finish.h"

void midge_blocks_tile_s8(const midge_block_tile *job) {
  const midge_output_range range = {job->zero_point, job->low, job->high};
  const uint8_t *place = job->places;
  const int8_t *weight = (const int8_t *)job->blocks;
  int8_t *tile = job->tile; /* [depth][MIDGE_BLOCK_PIXELS] */

  for (int32_t i = 0; i < job->depth + (job->depth & 1); ++i) {
    for (int32_t pixel = 0; pixel < job->pixels; ++pixel) {
      tile[MIDGE_BLOCK_PIXELS * i + pixel] = i < job->depth ? job->input[(ptrdiff_t)pixel * job->step + i] : 0;
    }
  }
  for (int32_t channel = 0; channel < job->channels; channel += MIDGE_BLOCK_CHANNELS) {
    const int32_t left = job->channels - channel;
    int32_t sums[MIDGE_BLOCK_CHANNELS][MIDGE_BLOCK_PIXELS] = {{0}, {0}, {0}, {0}};
    for (int32_t first = 0; first < job->depth; first += MIDGE_BLOCK_INPUTS * MIDGE_BLOCK_SEGMENT) {
      for (int32_t blocks = 2 * *place++; blocks > 0; --blocks) {
        const int8_t *x = tile + (ptrdiff_t)MIDGE_BLOCK_PIXELS * (first + MIDGE_BLOCK_INPUTS * *place++);
        for (int32_t i = 0; i < MIDGE_BLOCK_INPUTS; ++i) {
          for (int32_t j = 0; j < MIDGE_BLOCK_CHANNELS; ++j) {
            for (int32_t pixel = 0; pixel < job->pixels; ++pixel) {
              sums[j][pixel] += x[pixel] * *weight;
            }
            ++weight;
          }
          x += MIDGE_BLOCK_PIXELS;
        }
      }
    }
    for (int32_t j = 0; j < MIDGE_BLOCK_CHANNELS && j < left; ++j) {
      midge_finish_pixels_s8(&range, sums[j], job->records + (ptrdiff_t)3 * (channel + j), job->pixels,
                             job->output + channel + j, job->channels);
    }
  }
}
