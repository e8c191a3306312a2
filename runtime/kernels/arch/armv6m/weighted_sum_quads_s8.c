/* A factor is taken apart: its upper half's product has nothing to drop, its lower half's (unsigned) drops eight bits. */
#include <stddef.h>

#include "inner_loops.h"

/* Naked functions find their arguments in registers. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

typedef char midge_factors_follow_elements[offsetof(midge_weighted_sum_s8_params, factor1) == 4 &&
                                                   offsetof(midge_weighted_sum_s8_params, offset) == 12
                                               ? 1
                                               : -1];

__attribute__((naked)) void midge_weighted_sum_quads_s8(const midge_weighted_sum_s8_params *params,
                                                        const int8_t *input1, const int8_t *input2, int8_t *output,
                                                        int32_t quads) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r7, lr}\n"
      "mov r4, r8\n"
      "mov r5, r9\n"
      "mov r6, r10\n"
      "mov r7, r11\n"
      "push {r4-r7}\n"
      "ldr r4, [r0, #4]\n"
      "uxth r5, r4\n"
      "mov r8, r5\n"
      "asrs r4, r4, #16\n"
      "mov r10, r4\n"
      "ldr r4, [r0, #8]\n"
      "uxth r5, r4\n"
      "mov r9, r5\n"
      "asrs r4, r4, #16\n"
      "mov r11, r4\n"
      "ldr r4, [r0, #12]\n"
      "mov r12, r4\n"
      "ldr r4, [sp, #36]\n"
      "lsls r4, r4, #2\n"
      "mov lr, r4\n"
      "movs r0, #0\n"
      "1:\n"
      "ldrsb r5, [r1, r0]\n"
      "mov r7, r8\n"
      "muls r7, r5, r7\n"
      "asrs r7, r7, #8\n"
      "mov r6, r10\n"
      "muls r6, r5, r6\n"
      "ldrsb r5, [r2, r0]\n"
      "mov r4, r9\n"
      "muls r4, r5, r4\n"
      "asrs r4, r4, #8\n"
      "adds r7, r7, r4\n"
      "mov r4, r11\n"
      "muls r4, r5, r4\n"
      "adds r6, r6, r4\n"
      "lsls r6, r6, #8\n"
      "adds r7, r7, r6\n"
      "add r7, r12\n"
      "asrs r7, r7, #21\n"
      "sxtb r4, r7\n"
      "cmp r4, r7\n"
      "bne 3f\n"
      "2:\n"
      "strb r7, [r3, r0]\n"
      "adds r0, #1\n"
      "cmp r0, lr\n"
      "bne 1b\n"
      "pop {r4-r7}\n"
      "mov r8, r4\n"
      "mov r9, r5\n"
      "mov r10, r6\n"
      "mov r11, r7\n"
      "pop {r4-r7, pc}\n"
      "3:\n" /* beyond a byte: the greatest or the least */
      "asrs r7, r7, #31\n"
      "movs r4, #127\n"
      "eors r7, r4\n"
      "b 2b\n");
}
