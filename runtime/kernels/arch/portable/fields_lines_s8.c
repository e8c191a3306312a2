#include "inner_loops.h"

const int8_t *midge_fields_expand_s8(const int8_t *weights, midge_fields_entry *entry, int32_t count, int32_t is_odd) {
  for (int32_t i = 0; i < count; ++i) {
    entry[i].first = is_odd ? weights[0] : midge_fields_pair(weights[1], weights[0]);
    entry[i].second = is_odd ? midge_fields_pair(weights[2], weights[1]) : midge_fields_pair(0, weights[2]);
    weights += 3;
  }
  return weights;
}

void midge_fields_fill(int32_t *sums, int32_t bias, int32_t blocks) {
  for (int32_t i = 0; i <= 6 * blocks; ++i) {
    sums[i] = bias;
  }
}

void midge_fields_move(int32_t *target, const int32_t *source, int32_t words) {
  for (int32_t i = 0; i < words; ++i) {
    target[i] = source[i];
  }
}
