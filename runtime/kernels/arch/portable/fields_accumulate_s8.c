#include "inner_loops.h"
#include "requantize.h"

void midge_fields_accumulate_s8(const int32_t *line, const midge_fields_entry *entry, const midge_fields_entry *end,
                                int32_t *sums, int32_t blocks) {
  const uint64_t middle = (uint64_t)1 << MIDGE_FIELD_BITS;
  const int32_t mask = (1 << MIDGE_FIELD_BITS) - 1;

  for (int32_t block = 0; block < blocks; ++block) {
    uint64_t fields[3] = {(1 + middle) << 20, (1 + middle) << 20, (1 + middle) << 20};
    const int32_t *words = line;
    for (const midge_fields_entry *taps = entry; taps != end; ++taps) {
      words += taps->step / 4;
      for (int32_t i = 0; i < 3; ++i) {
        fields[i] += (uint64_t)((int64_t)words[i] * taps->first) + (uint64_t)((int64_t)words[i + 1] * taps->second);
      }
    }
    for (int32_t i = 0; i < 3; ++i) {
      sums[0] = midge_add_wrap(sums[0], (int32_t)fields[i] & mask);
      sums[1] = midge_add_wrap(sums[1], (int32_t)(fields[i] >> MIDGE_FIELD_BITS) & mask);
      sums[2] = midge_add_wrap(sums[2], (int32_t)((int64_t)fields[i] >> (2 * MIDGE_FIELD_BITS)));
      sums += 2;
    }
    line += 3;
  }
}
