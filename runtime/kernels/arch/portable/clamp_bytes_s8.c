#include "inner_loops.h"
#include "requantize.h"

void midge_clamp_bytes_s8(int8_t *bytes, int32_t count, int32_t low, int32_t high) {
  for (int32_t i = 0; i < count; ++i) {
    bytes[i] = (int8_t)midge_clamp(bytes[i], low, high);
  }
}
