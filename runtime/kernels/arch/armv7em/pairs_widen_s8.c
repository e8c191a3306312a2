#include "inner_loops.h"
#include "naked.h"

/* Four inputs of both pixels: 8 bytes become 16. */
#define QUAD                \
  "ldr r4, [r0], #4\n"      \
  "ldr r12, [r1], #4\n"     \
  "sxtb16 r5, r4\n"         \
  "sxtb16 r6, r12\n"        \
  "sxtb16 r7, r4, ror #8\n" \
  "sxtb16 r8, r12, ror #8\n" \
  "stm r3!, {r5-r8}\n"

MIDGE_NAKED int16_t *midge_pairs_widen_s8(const int8_t *first, const int8_t *second, int32_t quads,
                                                     int16_t *target) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r8, lr}\n"
      "lsrs r2, r2, #1\n"
      "bcc 1f\n" QUAD
      "1:\n"
      "cbz r2, 3f\n"
      "2:\n" QUAD QUAD
      "subs r2, r2, #1\n"
      "bne 2b\n"
      "3:\n"
      "mov r0, r3\n"
      "pop {r4-r8, pc}\n");
}
