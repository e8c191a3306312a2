#include <stddef.h>

#include "inner_loops.h"

void midge_planes_pack_s8(const midge_planes_pack *pack) {
  for (int32_t channel = 0; channel < 4; ++channel) {
    int32_t *plane = pack->plane + channel * (pack->plane_bytes / 4);
    for (int32_t x = 0; x < pack->columns; ++x) {
      const int32_t low = pack->row0[(ptrdiff_t)x * pack->step0 + channel];
      const int32_t high = pack->row1[(ptrdiff_t)x * pack->step1 + channel];
      plane[x] = (int32_t)(((uint32_t)low & 0xffff) | (uint32_t)high << 16);
    }
  }
}
