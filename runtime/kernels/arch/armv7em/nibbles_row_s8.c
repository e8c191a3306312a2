#include "pairs_row.h"

/* One pixel, four channels: see packed.h.
 *
 * r0 to r3  sums of whole halves, of 12, 8 and 4 bits
 * r4-r7     inputs
 * r8-r11    weights of four words of inputs
 * r12 lr    where to read weights and inputs
 *
 * Of the copied job, low makes room for 8 times the sum of the inputs.
 */

#define WORD(w, x, h, c, b)          \
  "smlad r0, " w ", " x ", " h "\n"  \
  "bic " w ", " w ", #0xF000F000\n"  \
  "smlad r1, " w ", " x ", " c "\n"  \
  "uxtb16 " w ", " w "\n"            \
  "smlad r2, " w ", " x ", " b "\n"  \
  "and " w ", " w ", #0x000F000F\n"  \
  "smlad r3, " w ", " x ", r3\n"

/* Eight inputs. 120 bytes of code. */
#define UNIT(h, c, b)             \
  "ldm lr!, {r4-r7}\n"            \
  "ldm r12!, {r8-r11}\n"          \
  WORD("r8", "r4", h, c, b)       \
  WORD("r9", "r5", "r0", "r1", "r2")  \
  WORD("r10", "r6", "r0", "r1", "r2") \
  WORD("r11", "r7", "r0", "r1", "r2")

#define FINISH(sum, factor, power) \
  MIDGE_PAIRS_ROW_FINISH(sum, factor, power, MIDGE_PAIRS_ROW_MULTIPLY, MIDGE_PAIRS_KEEP_SIGN, MIDGE_PAIRS_SATURATE)

MIDGE_NAKED void midge_nibbles_row_s8(const midge_pairs_job *job) {
  __asm__ volatile(
      MIDGE_PAIRS_ENTER("4", 120, MIDGE_PAIRS_PLAIN)
      "ldr lr, [sp, #4]\n"
      "ldr r8, [sp, #8]\n"
      "mov r10, #0x00010001\n"
      "mov r0, #0\n"
      "8:\n"
      "ldm lr!, {r4-r7}\n"
      "smlad r0, r4, r10, r0\n"
      "smlad r0, r5, r10, r0\n"
      "smlad r0, r6, r10, r0\n"
      "smlad r0, r7, r10, r0\n"
      "cmp lr, r8\n"
      "bne 8b\n"
      "lsl r0, r0, #3\n"
      "str r0, [sp, #28]\n"
      "ldr r12, [sp, #36]\n"
      "0:\n"
      "ldr r3, [r12], #4\n"
      "ldr r4, [sp, #28]\n"
      "ldr lr, [sp, #4]\n"
      "sub r3, r3, r4\n"
      UNIT("r3", "r3", "r3")
      "ldr.w pc, [sp]\n"
      ".balign 4\n"
      "1:\n"
      ".rept 4\n"
      UNIT("r0", "r1", "r2")
      ".endr\n"
      "ldr r4, [sp, #8]\n"
      "cmp lr, r4\n"
      "bne.w 1b\n"
      "2:\n"
      "sub r0, r0, r1\n"
      "sub r1, r1, r2\n"
      "sub r2, r2, r3\n"
      "ldm r12!, {r4-r8}\n"
      "ldr r9, [sp, #28]\n"
      "ldr r10, [sp, #12]\n"
      "ldr r11, [sp, #24]\n"
      "add r0, r6, r0, asr #12\n"
      "sub r4, r4, r9\n"
      "sub r5, r5, r9\n"
      "add r2, r4, r2, asr #4\n"
      "add r1, r5, r1, asr #8\n"
      FINISH("r3", "r7", "r8")
      "ldm r12!, {r4-r9}\n"
      FINISH("r2", "r4", "r5")
      FINISH("r1", "r6", "r7")
      FINISH("r0", "r8", "r9")
      "str r10, [sp, #12]\n"
      "ldr r4, [sp, #20]\n"
      "cmp r12, r4\n"
      "bne.w 0b\n"
      MIDGE_PAIRS_LEAVE);
}
