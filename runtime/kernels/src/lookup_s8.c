#include "inner_loops.h"
#include "midge/kernels.h"

void midge_lookup_s8(const midge_lookup_s8_params *params, const void *input, void *output) {
  midge_lookup_bytes_s8(params->table, params->elements, input, output);
}
