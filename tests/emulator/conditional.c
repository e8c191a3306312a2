/* A model that copies and checks its copies, with the conditional instructions that a compiler makes of this. While a
 * memory hook is set, Unicorn up to 2.1.4 takes some of them wrongly and finds a difference. The first byte of the
 * output is 99 if all is well; bytes 140 to 187 of the arena are written. */
#include "model.h"

#include <stddef.h>
#include <stdint.h>

int8_t model_arena[192] __attribute__((aligned(16)));

void model_layer_0(void);
void model_layer_1(void);
void model_layer_2(void);
void *memcpy(void *to, const void *from, size_t count);

/* Whether byte `at` of the copy is the input's inside it and 0 outside. */
static inline int32_t good(int32_t at, int32_t to, int32_t from, int32_t count) {
  const int8_t wanted = (int8_t)(at >= to && at < to + count ? model_arena[from + at - to] : 0);
  return model_arena[144 + at] == wanted;
}

__attribute__((noinline)) void model_layer_0(void) {
  model_arena[64] = 1;
  for (int32_t to = 0; to < 8; ++to) {
    for (int32_t from = 0; from < 8; ++from) {
      for (volatile int32_t count = 0; count < 24; ++count) {
        for (int32_t i = 0; i < 48; ++i) {
          model_arena[140 + i] = 0;
        }
        memcpy(model_arena + 144 + to, model_arena + from, (size_t)count);
        for (int32_t at = 0; at < 44; ++at) {
          if (!good(at, to, from, count)) {
            return;
          }
        }
      }
    }
  }
  model_arena[64] = 99;
}

__attribute__((noinline)) void model_layer_1(void) {
  model_arena[65] = 0;
}

__attribute__((noinline)) void model_layer_2(void) {
  model_arena[66] = 0;
  model_arena[67] = 0;
}

void model_init(void) {}

void model_invoke(void) {
  model_layer_0();
  model_layer_1();
  model_layer_2();
}
