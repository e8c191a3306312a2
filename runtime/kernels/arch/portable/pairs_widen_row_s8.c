#include "inner_loops.h"

void midge_pairs_widen_row_s8(const int8_t *input, int32_t units, int16_t *target) {
  for (int32_t quad = 0; quad < 2 * units; ++quad) {
    target[0] = input[0];
    target[1] = input[2];
    target[2] = input[1];
    target[3] = input[3];
    input += 4;
    target += 4;
  }
}
