#include "pairs_loops.h"

/* The two sources become r4 and r6, what leads from one run's end to the next run r5 and r7. */
MIDGE_NAKED void midge_pairs_widen_s8(const midge_pairs_source source[2], int32_t runs, int32_t quads,
                                      int16_t *target) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n"
      "ldm r0, {r4-r7}\n"
      "sub r5, r5, r2, lsl #2\n"
      "sub r7, r7, r2, lsl #2\n"
      "1:\n"
      "lsrs r0, r2, #1\n"
      "bcc 2f\n" MIDGE_PAIRS_WIDEN("r4", "r6", "r3")
      "2:\n"
      "cbz r0, 4f\n"
      "3:\n" MIDGE_PAIRS_WIDEN("r4", "r6", "r3") MIDGE_PAIRS_WIDEN("r4", "r6", "r3")
      "subs r0, r0, #1\n"
      "bne 3b\n"
      "4:\n"
      "add r4, r4, r5\n"
      "add r6, r6, r7\n"
      "subs r1, r1, #1\n"
      "bne 1b\n"
      "pop {r4-r11, pc}\n");
}
