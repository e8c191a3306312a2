/* Layers from blocks of weights, those of zeros left out; see kernels.h. */
#ifndef MIDGE_BLOCKS_H
#define MIDGE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "midge/kernels.h"

enum {
  MIDGE_BLOCK_CHANNELS = 4,
  MIDGE_BLOCK_INPUTS = 2,
  MIDGE_BLOCK_WORDS = 2,
  MIDGE_BLOCK_SEGMENT = 256, /* columns of blocks */
  MIDGE_BLOCK_PIXELS = 4     /* of a tile */
};

/* One row of inputs. */
typedef struct {
  const int8_t *input;
  int32_t depth;
  const uint8_t *places;
  const int32_t *blocks;
  const int32_t *records;
  int32_t channels; /* at least 1 */
  int8_t *output;
  int32_t zero_point; /* of the output */
  int32_t low;
  int32_t high;
  void *scratch; /* for midge_block_pairs_row_s8 */
} midge_blocks_job;

/* Inner loops, replaced like those of inner_loops.h. */

/* All channels; the depth is even. */
void midge_blocks_row_s8(const midge_blocks_job *job);

/* All channels; reads all inputs before it writes anything. */
void midge_block_pairs_row_s8(const midge_blocks_job *job);

/* Some pixels next to each other. */
typedef struct {
  const int8_t *input;
  int32_t depth;
  int32_t step; /* bytes from one pixel's inputs to the next one's */
  int32_t pixels;
  void *tile; /* room for 8 bytes for every begun two inputs */
  const uint8_t *places;
  const int32_t *blocks; /* or groups, for midge_block_pairs_tile_s8 */
  const int32_t *records;
  int32_t channels; /* of an output pixel, at least 1 */
  int8_t *output;
  int32_t zero_point; /* of the output */
  int32_t low;
  int32_t high;
} midge_block_tile;

/* All channels of 1 to MIDGE_BLOCK_PIXELS pixels, and of 1 or 2. All inputs are read before anything is written. */
void midge_blocks_tile_s8(const midge_block_tile *tile);
void midge_block_pairs_tile_s8(const midge_block_tile *tile);

static inline midge_blocks_job midge_blocks_first_job(const midge_fully_connected_blocks_s8_params *params,
                                                      const int8_t *input, int8_t *output, void *scratch) {
  const midge_blocks_job job = {input,
                                params->depth,
                                params->places,
                                params->blocks,
                                params->records,
                                params->output_channels,
                                output,
                                params->output_zero_point,
                                params->activation_min,
                                params->activation_max,
                                scratch};
  return job;
}

#endif
