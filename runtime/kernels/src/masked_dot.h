/* What the inner loops of masked.h share in C. */
#ifndef MIDGE_MASKED_DOT_H
#define MIDGE_MASKED_DOT_H

#include <stdint.h>

enum {
  MIDGE_MASKED_BYTES = 0x00FF00FF,  /* the even bytes of a word */
  MIDGE_MASKED_OFFSET = 0x00800080, /* 128 in both halfwords */
  MIDGE_MASKED_START = 1 << 15      /* keeps the lower sum from borrowing from the upper one */
};

/* Adds the two sums of one segment to those of channels 0 and 2 (or 1 and 3) of four. */
static inline void midge_masked_split(uint32_t both, uint32_t offset, int32_t *sum) {
  const uint32_t sums = both - offset;
  sum[0] = (int32_t)((uint32_t)sum[0] + (sums & 0xFFFF));
  sum[2] += (int32_t)sums >> 16;
}

#endif
