#include "inner_loops.h"
#include "naked.h"

#define QUAD                  \
  "ldr r12, [r0], #4\n"       \
  "sxtb16 r3, r12\n"          \
  "sxtb16 r12, r12, ror #8\n" \
  "stm r2!, {r3, r12}\n"

MIDGE_NAKED int16_t *midge_pairs_widen_row_s8(const int8_t *input, int32_t quads, int16_t *target) {
  __asm__ volatile(
      ".syntax unified\n"
      "lsrs r1, r1, #1\n"
      "bcc 1f\n" QUAD
      "1:\n"
      "cbz r1, 3f\n"
      "2:\n" QUAD QUAD
      "subs r1, r1, #1\n"
      "bne 2b\n"
      "3:\n"
      "mov r0, r2\n"
      "bx lr\n");
}
