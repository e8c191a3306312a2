#include "pairs_conv.h"
#include "packed.h"

/* The table lies 1024 bytes before the patch. */
typedef char midge_codebook_is_256_words[MIDGE_CODEBOOK_PAIRS == 256 ? 1 : -1];

/* Two pixels, four channels: see packed.h.
 *
 * r0 to r7  sums of four channels, of both pixels by turns
 * r8        indices, then weights
 * r9        the table
 * r10 r11   inputs of pixel 0 and of pixel 1
 * r12 lr    where to read indices and inputs
 */

#define CHANNEL(a, b)         \
  "ldrb r8, [r12], #1\n"      \
  "ldr r8, [r9, r8, lsl #2]\n" \
  "smlad " a ", r8, r10, " a "\n" \
  "smlad " b ", r8, r11, " b "\n"

/* One word of inputs. 68 bytes of code. */
#define WORD               \
  "ldm lr!, {r10, r11}\n"  \
  CHANNEL("r0", "r1")      \
  CHANNEL("r2", "r3")      \
  CHANNEL("r4", "r5")      \
  CHANNEL("r6", "r7")

#define FINISH(a, b, factor, power)                                                                \
  MIDGE_PAIRS_CONV_FINISH(a, b, factor, power, MIDGE_PAIRS_CONV_MULTIPLY, MIDGE_PAIRS_KEEP_SIGN, \
                          MIDGE_PAIRS_SATURATE)

MIDGE_NAKED void midge_codebook_conv_s8(const midge_pairs_job *job) {
  __asm__ volatile(
      MIDGE_PAIRS_ENTER("4", 136, MIDGE_PAIRS_PLAIN)
      MIDGE_PAIRS_CONV_WIDEN
      "7:\n"
      "ldr r12, [sp, #36]\n"
      "0:\n"
      "ldr lr, [sp, #4]\n"
      "sub r9, lr, #1024\n"
      "ldm r12!, {r0, r2, r4, r6}\n"
      "mov r1, r0\n"
      "mov r3, r2\n"
      "mov r5, r4\n"
      "mov r7, r6\n"
      WORD
      WORD
      "ldr.w pc, [sp]\n"
      ".balign 4\n"
      "1:\n"
      ".rept 4\n"
      WORD
      WORD
      ".endr\n"
      "ldr r8, [sp, #8]\n"
      "cmp lr, r8\n"
      "bne.w 1b\n"
      "2:\n"
      "ldm r12!, {r10, r11}\n"
      "ldr r8, [sp, #12]\n"
      "ldr r9, [sp, #16]\n"
      "ldr lr, [sp, #24]\n"
      FINISH("r0", "r1", "r10", "r11")
      "ldm r12!, {r0, r1, r10, r11}\n"
      FINISH("r2", "r3", "r0", "r1")
      FINISH("r4", "r5", "r10", "r11")
      "ldm r12!, {r0, r1}\n"
      FINISH("r6", "r7", "r0", "r1")
      "str r8, [sp, #12]\n"
      "str r9, [sp, #16]\n"
      "ldr r8, [sp, #20]\n"
      "cmp r12, r8\n"
      "bne.w 0b\n"
      MIDGE_PAIRS_CONV_NEXT_PAIR
      MIDGE_PAIRS_LEAVE);
}
