#include "inner_loops.h"

int16_t *midge_pairs_widen_s8(const int8_t *first, const int8_t *second, int32_t quads, int16_t *target) {
  for (int32_t quad = 0; quad < quads; ++quad) {
    for (int32_t word = 0; word < 2; ++word) {
      target[0] = first[word];
      target[1] = first[word + 2];
      target[2] = second[word];
      target[3] = second[word + 2];
      target += 4;
    }
    first += 4;
    second += 4;
  }
  return target;
}
