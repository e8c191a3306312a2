#include <stddef.h>

#include "planar.h"

void midge_planar_copy_s8(const int8_t *input, int32_t step, int32_t count, int32_t offset, int8_t *target) {
  const int8_t *end = target + (count & ~3);

  while (target != end) {
    const int8_t *second = input + step;
    const int8_t *third = second + step;
    const int8_t *fourth = third + step;
    target[0] = (int8_t)(*input + offset);
    target[1] = (int8_t)(*second + offset);
    target[2] = (int8_t)(*third + offset);
    target[3] = (int8_t)(*fourth + offset);
    target += 4;
    input = fourth + step;
  }
  for (int32_t i = 0; i < (count & 3); ++i) {
    target[i] = (int8_t)(input[(ptrdiff_t)i * step] + offset);
  }
}
