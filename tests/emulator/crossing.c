/* A model whose arena crosses a page of 1024 bytes at offset 64, and that loads an unaligned word across that border:
 * Unicorn gets such a load wrong while a memory hook is set. The output is bytes 62 and 63 of the input, then 1 and 2. */
#include "model.h"

#include <stdint.h>

__asm__(".section .bss.model_arena,\"aw\",%nobits\n"
        ".balign 1024\n"
        ".space 960\n"
        ".global model_arena\n"
        ".type model_arena,%object\n"
        ".size model_arena,192\n"
        "model_arena: .space 192\n"
        ".text\n");
extern int8_t model_arena[192];

void model_layer_0(void);
void model_layer_1(void);
void model_layer_2(void);

typedef uint32_t __attribute__((aligned(1), may_alias)) any_word;

__attribute__((noinline)) void model_layer_0(void) {
  model_arena[64] = 1;
  model_arena[65] = 2;
}

__attribute__((noinline)) void model_layer_1(void) {
  *(volatile uint32_t *)(void *)(model_arena + 128) = *(volatile any_word *)(void *)(model_arena + 62);
}

__attribute__((noinline)) void model_layer_2(void) {
  for (int32_t i = 0; i < 4; ++i) {
    model_arena[64 + i] = model_arena[128 + i];
  }
}

void model_init(void) {}

void model_invoke(void) {
  model_layer_0();
  model_layer_1();
  model_layer_2();
}
