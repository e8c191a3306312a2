#include "inner_loops.h"
#include "naked.h"

#define UNIT                  \
  "ldr r4, [r0], #4\n"        \
  "ldr r12, [r0], #4\n"       \
  "sxtb16 r3, r4\n"           \
  "sxtb16 r4, r4, ror #8\n"   \
  "sxtb16 r5, r12\n"          \
  "sxtb16 r12, r12, ror #8\n" \
  "stm r2!, {r3-r5, r12}\n"

MIDGE_NAKED void midge_pairs_widen_row_s8(const int8_t *input, int32_t units, int16_t *target) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4, r5}\n"
      "lsrs r1, r1, #1\n"
      "bcc 1f\n" UNIT
      "1:\n"
      "cbz r1, 3f\n"
      "2:\n" UNIT UNIT
      "subs r1, r1, #1\n"
      "bne 2b\n"
      "3:\n"
      "pop {r4, r5}\n"
      "bx lr\n");
}
