#include "inner_loops.h"

void midge_unpack_codes_s8(const int8_t codebook[16], const uint8_t *codes, int32_t bytes, int8_t *target) {
  const uint8_t *end = codes + bytes;
  do {
    const uint32_t both = *codes++;
    target[0] = codebook[both & 15];
    target[1] = codebook[both >> 4];
    target += 2;
  } while (codes != end);
}
