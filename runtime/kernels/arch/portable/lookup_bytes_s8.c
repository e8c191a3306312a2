#include "inner_loops.h"

void midge_lookup_bytes_s8(const int8_t *table, int32_t count, const uint8_t *input, int8_t *output) {
  for (int32_t i = 0; i < count; ++i) {
    output[i] = table[input[i]];
  }
}
