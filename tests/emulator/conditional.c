/* A model that skips a conditional load and store whose flags are needed afterwards, as newlib's memcpy does:
 * Unicorn loses these flags while a memory hook is set. Bytes 1 to 8 of the input reach 130 to 137 of the arena, and
 * the third to sixth of them the output. */
#include "model.h"

#include <stdint.h>

int8_t model_arena[192] __attribute__((aligned(16)));

void model_layer_0(void);
void model_layer_1(void);
void model_layer_2(void);

__attribute__((noinline)) void model_layer_0(void) {
  const int8_t *from = model_arena + 1;
  int8_t *to = model_arena + 130;
  /* The shift leaves zero and a set carry: no byte, but a halfword is copied. */
  __asm__ volatile("    movs r3, #2\n"
                   "    lsls r3, r3, #31\n"
                   "    itt ne\n"
                   "    ldrbne r3, [%0], #1\n"
                   "    strbne r3, [%1], #1\n"
                   "    bcc 1f\n"
                   "    ldrh r3, [%0], #2\n"
                   "    strh r3, [%1], #2\n"
                   "1:  ldr r3, [%0]\n"
                   "    str r3, [%1]\n"
                   : "+r"(from), "+r"(to)
                   :
                   : "r3", "memory", "cc");
}

__attribute__((noinline)) void model_layer_1(void) {
  model_arena[136] = model_arena[7];
  model_arena[137] = model_arena[8];
}

__attribute__((noinline)) void model_layer_2(void) {
  for (int32_t i = 0; i < 4; ++i) {
    model_arena[64 + i] = model_arena[132 + i];
  }
}

void model_init(void) {}

void model_invoke(void) {
  model_layer_0();
  model_layer_1();
  model_layer_2();
}
