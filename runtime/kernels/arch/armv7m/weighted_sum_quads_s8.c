/* The upper word of a factor times a byte in the upper eight bits is their product without its lowest eight bits. */
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
      "push {r4-r10, lr}\n"
      "ldr r4, [sp, #32]\n"
      "ldr r5, [r0, #4]\n"
      "ldr r6, [r0, #8]\n"
      "ldr r7, [r0, #12]\n"
      "1:\n"
      "ldrsb r8, [r1], #1\n"
      "ldrsb r9, [r2], #1\n"
      "lsl r8, r8, #24\n"
      "lsl r9, r9, #24\n"
      "smull r10, r8, r8, r5\n"
      "smull r10, r9, r9, r6\n"
      "add r8, r8, r7\n"
      "add r8, r8, r9\n"
      "ssat r8, #8, r8, asr #21\n"
      "strb r8, [r3], #1\n"
      "ldrsb r8, [r1], #1\n"
      "ldrsb r9, [r2], #1\n"
      "lsl r8, r8, #24\n"
      "lsl r9, r9, #24\n"
      "smull r10, r8, r8, r5\n"
      "smull r10, r9, r9, r6\n"
      "add r8, r8, r7\n"
      "add r8, r8, r9\n"
      "ssat r8, #8, r8, asr #21\n"
      "strb r8, [r3], #1\n"
      "ldrsb r8, [r1], #1\n"
      "ldrsb r9, [r2], #1\n"
      "lsl r8, r8, #24\n"
      "lsl r9, r9, #24\n"
      "smull r10, r8, r8, r5\n"
      "smull r10, r9, r9, r6\n"
      "add r8, r8, r7\n"
      "add r8, r8, r9\n"
      "ssat r8, #8, r8, asr #21\n"
      "strb r8, [r3], #1\n"
      "ldrsb r8, [r1], #1\n"
      "ldrsb r9, [r2], #1\n"
      "lsl r8, r8, #24\n"
      "lsl r9, r9, #24\n"
      "smull r10, r8, r8, r5\n"
      "smull r10, r9, r9, r6\n"
      "add r8, r8, r7\n"
      "add r8, r8, r9\n"
      "ssat r8, #8, r8, asr #21\n"
      "strb r8, [r3], #1\n"
      "subs r4, r4, #1\n"
      "bne 1b\n"
      "pop {r4-r10, pc}\n");
}
