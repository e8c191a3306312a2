#include "inner_loops.h"

void midge_pairs_widen_s8(const midge_pairs_source source[2], int32_t runs, int32_t quads, int16_t *target) {
  for (int32_t run = 0; run < runs; ++run) {
    for (int32_t quad = 0; quad < quads; ++quad) {
      for (int32_t word = 0; word < 2; ++word) {
        for (int32_t pixel = 0; pixel < 2; ++pixel) {
          const int8_t *inputs = source[pixel].first + run * source[pixel].stride + 4 * quad + word;
          target[0] = inputs[0];
          target[1] = inputs[2];
          target += 2;
        }
      }
    }
  }
}
