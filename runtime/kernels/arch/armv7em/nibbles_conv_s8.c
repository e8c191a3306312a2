#include "pairs_conv.h"

/* Two pixels, four channels: see packed.h.
 *
 * r0 r1     sums of whole halves for both pixels
 * r2 r3     of 12 bits, r4 r5 of 8 bits, r6 r7 of 4 bits
 * r8 r9     weights of two words of inputs
 * r10 r11   inputs of pixel 0 and of pixel 1
 * r12 lr    where to read weights and inputs
 *
 * Of the copied job, low and high make room for 8 times the sum of each pixel's inputs.
 */

/* One word of inputs and its weights; the sums start from h0 and h1. 48 bytes of code. */
#define WORD(w, h0, h1, c0, c1, b0, b1) \
  "ldm lr!, {r10, r11}\n"               \
  "smlad r0, " w ", r10, " h0 "\n"      \
  "smlad r1, " w ", r11, " h1 "\n"      \
  "bic " w ", " w ", #0xF000F000\n"     \
  "smlad r2, " w ", r10, " c0 "\n"      \
  "smlad r3, " w ", r11, " c1 "\n"      \
  "uxtb16 " w ", " w "\n"               \
  "smlad r4, " w ", r10, " b0 "\n"      \
  "smlad r5, " w ", r11, " b1 "\n"      \
  "and " w ", " w ", #0x000F000F\n"     \
  "smlad r6, " w ", r10, r6\n"          \
  "smlad r7, " w ", r11, r7\n"

#define NEXT(w) WORD(w, "r0", "r1", "r2", "r3", "r4", "r5")

/* One channel's sums, from what is left of its digits and its bias. */
#define CHANNEL(a, b, bias, bits)     \
  "sub r10, " bias ", r11\n"          \
  "add " a ", r10, " a ", asr " bits "\n" \
  "sub r10, " bias ", lr\n"           \
  "add " b ", r10, " b ", asr " bits "\n"

#define FINISH(a, b, factor, power)                                                                \
  MIDGE_PAIRS_CONV_FINISH(a, b, factor, power, MIDGE_PAIRS_CONV_MULTIPLY, MIDGE_PAIRS_KEEP_SIGN, \
                          MIDGE_PAIRS_SATURATE)

MIDGE_NAKED void midge_nibbles_conv_s8(const midge_pairs_job *job) {
  __asm__ volatile(
      MIDGE_PAIRS_ENTER("8", 100, MIDGE_PAIRS_PLAIN)
      MIDGE_PAIRS_CONV_WIDEN
      "7:\n"
      "ldr r12, [sp, #4]\n"
      "ldr r8, [sp, #8]\n"
      "mov r10, #0x00010001\n"
      "mov r0, #0\n"
      "mov r1, #0\n"
      "9:\n"
      "ldm r12!, {r2-r5}\n"
      "smlad r0, r2, r10, r0\n"
      "smlad r1, r3, r10, r1\n"
      "smlad r0, r4, r10, r0\n"
      "smlad r1, r5, r10, r1\n"
      "cmp r12, r8\n"
      "bne 9b\n"
      "lsl r0, r0, #3\n"
      "lsl r1, r1, #3\n"
      "str r0, [sp, #28]\n"
      "str r1, [sp, #32]\n"
      "ldr r12, [sp, #36]\n"
      "0:\n"
      "ldr r10, [r12], #4\n"
      "ldr r6, [sp, #28]\n"
      "ldr r7, [sp, #32]\n"
      "ldr lr, [sp, #4]\n"
      "sub r6, r10, r6\n"
      "sub r7, r10, r7\n"
      "ldm r12!, {r8, r9}\n"
      WORD("r8", "r6", "r7", "r6", "r7", "r6", "r7")
      NEXT("r9")
      "ldr.w pc, [sp]\n"
      ".balign 4\n"
      "1:\n"
      ".rept 8\n"
      "ldm r12!, {r8, r9}\n"
      NEXT("r8")
      NEXT("r9")
      ".endr\n"
      "ldr r8, [sp, #8]\n"
      "cmp lr, r8\n"
      "bne.w 1b\n"
      "2:\n"
      "sub r0, r0, r2\n"
      "sub r1, r1, r3\n"
      "sub r2, r2, r4\n"
      "sub r3, r3, r5\n"
      "sub r4, r4, r6\n"
      "sub r5, r5, r7\n"
      "ldm r12!, {r8, r9, r10}\n"
      "add r0, r10, r0, asr #12\n"
      "add r1, r10, r1, asr #12\n"
      "ldr r11, [sp, #28]\n"
      "ldr lr, [sp, #32]\n"
      CHANNEL("r4", "r5", "r8", "#4")
      CHANNEL("r2", "r3", "r9", "#8")
      "ldm r12!, {r10, r11}\n"
      "ldr r8, [sp, #12]\n"
      "ldr r9, [sp, #16]\n"
      "ldr lr, [sp, #24]\n"
      FINISH("r6", "r7", "r10", "r11")
      "ldm r12!, {r6, r7, r10, r11}\n"
      FINISH("r4", "r5", "r6", "r7")
      FINISH("r2", "r3", "r10", "r11")
      "ldm r12!, {r4, r5}\n"
      FINISH("r0", "r1", "r4", "r5")
      "str r8, [sp, #12]\n"
      "str r9, [sp, #16]\n"
      "ldr r8, [sp, #20]\n"
      "cmp r12, r8\n"
      "bne.w 0b\n"
      MIDGE_PAIRS_CONV_NEXT_PAIR
      MIDGE_PAIRS_LEAVE);
}
