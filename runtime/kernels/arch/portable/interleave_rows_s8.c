#include <stddef.h>

#include "inner_loops.h"

void midge_interleave_rows_s8(const int8_t *const rows[4], int32_t groups, int32_t advance, int32_t rest,
                              int32_t zero_point, int8_t *words) {
  for (int32_t group = 0; group <= groups; ++group) {
    const int32_t count = group < groups ? 16 : rest;
    for (int32_t i = 0; i < count; ++i) {
      for (int32_t row = 0; row < 4; ++row) {
        const ptrdiff_t place = (ptrdiff_t)group * advance + i;
        words[(ptrdiff_t)64 * group + 4 * i + row] = (int8_t)(rows[row] != NULL ? rows[row][place] : zero_point);
      }
    }
  }
}
