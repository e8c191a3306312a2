/* Eight at a time: loads that follow each other take a cycle each.
 *
 * r0 table      r1 count      r2 r3 input and output      r4 to r7 bytes
 */
#include "inner_loops.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

__attribute__((naked)) void midge_lookup_bytes_s8(const int8_t *table, int32_t count, const uint8_t *input,
                                                  int8_t *output) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r7}\n"
      "subs r1, r1, #8\n"
      "blt 2f\n"
      "1:\n"
      ".rept 2\n"
      "ldrb r5, [r2, #1]\n"
      "ldrb r6, [r2, #2]\n"
      "ldrb r7, [r2, #3]\n"
      "ldrb r4, [r2], #4\n"
      "ldrb r5, [r0, r5]\n"
      "ldrb r6, [r0, r6]\n"
      "ldrb r7, [r0, r7]\n"
      "ldrb r4, [r0, r4]\n"
      "strb r5, [r3, #1]\n"
      "strb r6, [r3, #2]\n"
      "strb r7, [r3, #3]\n"
      "strb r4, [r3], #4\n"
      ".endr\n"
      "subs r1, r1, #8\n"
      "bge 1b\n"
      "2:\n"
      "adds r1, r1, #8\n"
      "beq 4f\n"
      "3:\n"
      "ldrb r4, [r2], #1\n"
      "ldrb r4, [r0, r4]\n"
      "strb r4, [r3], #1\n"
      "subs r1, r1, #1\n"
      "bne 3b\n"
      "4:\n"
      "pop {r4-r7}\n"
      "bx lr\n");
}
