/*
 * A small model written by hand, in the form of a generated one, whose results and instruction counts are easy to
 * foresee. Input: 64 int8 at offset 0 of the arena. Output: 4 bytes at offset 64. Scratch: 64 bytes from offset 128
 * on, of which byte 191 stays untouched.
 */
#include "model.h"

#include <stdint.h>

typedef void (*layer)(void);

#define NOINLINE __attribute__((noinline))

int8_t model_arena[192] __attribute__((aligned(16)));
static uint32_t calls;
static volatile uint32_t divisor = 7U;

void model_layer_0(void);
void model_layer_1(void);
void model_layer_2(void);
void model_bad_read(void);
void model_bad_write(void);
void model_undefined(void);
void model_hang(void);
void model_deep_stack(void);
void model_write_flash(void);
void model_misaligned(void);

static NOINLINE int32_t dot(const int8_t *a, const int8_t *b, int32_t count) {
  int32_t sum = 0;
  int32_t i;
  for (i = 0; i < count; ++i) {
    sum += (int32_t)a[i] * b[i];
  }
  return sum;
}

/* scratch[i] = max(input[i], 0): branches depend on the data. */
NOINLINE void model_layer_0(void) {
  int32_t i;
  for (i = 0; i < 63; ++i) {
    int8_t value = model_arena[i];
    model_arena[128 + i] = value > 0 ? value : 0;
  }
}

static NOINLINE void misbehave(int32_t how) {
  static const layer ways[] = {model_bad_read, model_bad_write, model_undefined, model_hang, model_deep_stack,
                               model_write_flash, model_misaligned};
  ways[how]();
}

/* Calls another function, divides, and switches. */
NOINLINE void model_layer_1(void) {
  int32_t sum = dot(model_arena, model_arena + 128, 63) + (int32_t)calls;
  if (model_arena[0] >= 100 && model_arena[0] < 107) {
    misbehave(model_arena[0] - 100);
  }
  uint64_t wide = (uint64_t)(uint32_t)sum * 1000003U;
  switch (sum & 7) {
    case 0: sum += 3; break;
    case 1: sum ^= 5; break;
    case 2: sum -= 9; break;
    case 3: sum += (int32_t)(wide % 11U); break;
    case 4: sum *= 3; break;
    case 5: sum += (int32_t)((uint32_t)sum / divisor); break;
    default: break;
  }
  model_arena[64] = (int8_t)sum;
  model_arena[65] = (int8_t)(sum >> 8);
}

/* Floating point: on cores without an FPU this calls the compiler's library. */
NOINLINE void model_layer_2(void) {
  float x = (float)model_arena[64] * 0.25f;
  int32_t i;
  for (i = 0; i < 4; ++i) {
    x = x * 1.5f + 1.0f;
  }
  model_arena[66] = x > 10.0f ? 1 : -1;
  model_arena[67] = (int8_t)calls;
  ++calls;
}

/* Ways to fail, reached in layer 1 only when a test asks for them through the first byte of the input. */
NOINLINE void model_bad_read(void) { model_arena[64] = *(volatile int8_t *)0x9F000000U; }
NOINLINE void model_bad_write(void) { *(volatile int8_t *)0x9F000000U = 1; }
NOINLINE void model_hang(void) {
  for (;;) {
    __asm__ volatile("" ::: "memory");
  }
}
NOINLINE void model_undefined(void) {
#ifdef __arm__
  __asm__ volatile(".short 0xDE00"); /* UDF #0 */
#else
  __asm__ volatile("unimp");
#endif
}
NOINLINE void model_write_flash(void) { *(volatile uint32_t *)((uintptr_t)model_init & ~(uintptr_t)3U) = 0U; }
NOINLINE void model_misaligned(void) {
  static void *volatile odd = model_arena + 1; /* the compiler must not see it, or it reads byte by byte */
  model_arena[64] = (int8_t) * (uint32_t *)odd;
}
NOINLINE void model_deep_stack(void) {
  volatile int8_t room[512];
  int32_t i;
  for (i = 0; i < 512; ++i) {
    room[i] = (int8_t)i;
  }
}

void model_init(void) { calls = 0; }

void model_invoke(void) {
  model_layer_0();
  model_layer_1();
  model_layer_2();
}
