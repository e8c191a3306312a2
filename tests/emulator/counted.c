/* A model in Thumb assembly, whose instructions, cycles and stack can be counted by eye: see test_counts.py. */
#include "model.h"

#include <stdint.h>

#define NAKED __attribute__((naked, noinline))

int8_t model_arena[192] __attribute__((aligned(16)));

void model_layer_0(void);
void model_layer_1(void);
void model_layer_2(void);

/* 1 + 100 * 2 + 1 = 202 instructions; 1 + 100 + 100 + 99 P + 1 + P cycles */
NAKED void model_layer_0(void) {
  __asm__ volatile(".syntax unified\n"
                   "    movs r0, #100\n"
                   "1:  subs r0, r0, #1\n"
                   "    bne 1b\n"
                   "    bx lr\n");
}

/* 9 instructions, of which the IT instruction skips one; 60 bytes of stack. The wide addition lies across a border of
 * QEMU's pages of 1024 bytes, before which QEMU ends a block in a way of its own. */
NAKED void model_layer_1(void) {
  __asm__ volatile(".syntax unified\n"
                   "    sub sp, sp, #60\n"
                   "    str r0, [sp]\n"
#if __ARM_ARCH >= 7
                   "    ite eq\n"
                   "    addeq sp, sp, #60\n"
                   "    addne sp, sp, #60\n"
                   "    b 1f\n"
                   "    .balign 1024\n"
                   "    .space 1020\n"
                   "1:  nop\n"
                   "    add.w r0, r0, #1\n"
#else
                   "    nop\n"
                   "    nop\n"
                   "    add sp, sp, #60\n"
                   "    nop\n"
                   "    nop\n"
                   "    nop\n"
#endif
                   "    bx lr\n");
}

/* 5 instructions that touch bytes 8 to 11 and 100 to 101 of the arena */
NAKED void model_layer_2(void) {
  __asm__ volatile(".syntax unified\n"
                   "    ldr r0, =model_arena\n"
                   "    ldr r1, [r0, #8]\n"
                   "    adds r0, #100\n"
                   "    strh r1, [r0]\n"
                   "    bx lr\n"
                   "    .ltorg\n");
}

void model_init(void) {}

/* 5 instructions and 8 bytes of stack */
NAKED void model_invoke(void) {
  __asm__ volatile(".syntax unified\n"
                   "    push {r4, lr}\n"
                   "    bl model_layer_0\n"
                   "    bl model_layer_1\n"
                   "    bl model_layer_2\n"
                   "    pop {r4, pc}\n");
}
