/* Layers from lists of the weights that are not zero; see kernels.h. */
#ifndef MIDGE_SPARSE_H
#define MIDGE_SPARSE_H

#include <stddef.h>
#include <stdint.h>

#include "midge/kernels.h"

enum {
  MIDGE_SPARSE_PIXELS = 8,   /* of a tile */
  MIDGE_SPARSE_SEGMENT = 256 /* inputs of a segment */
};

/* What the loops over lists work on. */
typedef struct {
  const int8_t *input;
  int32_t depth; /* inputs of a pixel */
  const uint16_t *lists;
  const int32_t *records;
  int32_t channels; /* of an output pixel, at least 1 */
  int8_t *output;
  int32_t zero_point; /* of the output */
  int32_t low;
  int32_t high;
  /* The rest is for midge_sparse_tile_s8 only. */
  int32_t pixels; /* 1 to MIDGE_SPARSE_PIXELS */
  int32_t step;   /* bytes from one pixel's inputs to the next one's */
  void *tile;     /* room for 16 * depth bytes */
} midge_sparse_job;

/* Inner loops, replaced like those of inner_loops.h. */

/* All channels of some pixels next to each other. All inputs are read before anything is written. */
void midge_sparse_tile_s8(const midge_sparse_job *job);

/* All channels of one pixel. */
void midge_sparse_row_s8(const midge_sparse_job *job);

/* The weight of a list's entry. */
static inline int32_t midge_sparse_weight(uint16_t entry) { return (int8_t)(uint8_t)(entry >> 8); }

#endif
