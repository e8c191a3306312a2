#include "midge/kernels.h"

void midge_lookup_s8(const midge_lookup_s8_params *params, const void *input, void *output) {
  const uint8_t *source = input;
  int8_t *target = output;
  for (int32_t i = 0; i < params->elements; ++i) {
    target[i] = params->table[source[i]];
  }
}
