#include "pairs_row.h"
#include "packed.h"

/* The table lies 1024 bytes before the patch. */
typedef char midge_codebook_is_256_words[MIDGE_CODEBOOK_PAIRS == 256 ? 1 : -1];

/* One pixel, four channels: see packed.h.
 *
 * r0 to r3  sums
 * r4-r7     inputs
 * r8 r9     indices for two words of inputs
 * r10       an index, then two weights
 * r11       the table
 * r12 lr    where to read indices and inputs
 */

#define PRODUCTS(sum, x)              \
  "ldr r10, [r11, r10, lsl #2]\n"     \
  "smlad " sum ", r10, " x ", " sum "\n"

#define WORD(w, x)                \
  "uxtb.w r10, " w "\n"           \
  PRODUCTS("r0", x)               \
  "ubfx r10, " w ", #8, #8\n"     \
  PRODUCTS("r1", x)               \
  "ubfx r10, " w ", #16, #8\n"    \
  PRODUCTS("r2", x)               \
  "lsr r10, " w ", #24\n"         \
  PRODUCTS("r3", x)

/* Eight inputs. 204 bytes of code. */
#define UNIT               \
  "ldm lr!, {r4-r7}\n"     \
  "ldm r12!, {r8, r9}\n"   \
  WORD("r8", "r4")         \
  WORD("r9", "r5")         \
  "ldm r12!, {r8, r9}\n"   \
  WORD("r8", "r6")         \
  WORD("r9", "r7")

#define FINISH(sum, factor, power) \
  MIDGE_PAIRS_ROW_FINISH(sum, factor, power, MIDGE_PAIRS_ROW_MULTIPLY, MIDGE_PAIRS_KEEP_SIGN, MIDGE_PAIRS_SATURATE)

MIDGE_NAKED void midge_codebook_row_s8(const midge_pairs_job *job) {
  __asm__ volatile(
      MIDGE_PAIRS_ENTER("2", 204, MIDGE_PAIRS_PLAIN)
      "ldr r12, [sp, #36]\n"
      "0:\n"
      "ldr lr, [sp, #4]\n"
      "sub r11, lr, #1024\n"
      "ldm r12!, {r0-r3}\n"
      UNIT
      "ldr.w pc, [sp]\n"
      ".balign 4\n"
      "1:\n"
      ".rept 2\n"
      UNIT
      ".endr\n"
      "ldr r4, [sp, #8]\n"
      "cmp lr, r4\n"
      "bne.w 1b\n"
      "2:\n"
      "ldr r10, [sp, #12]\n"
      "ldr r11, [sp, #24]\n"
      "ldm r12!, {r4-r9}\n"
      FINISH("r0", "r4", "r5")
      FINISH("r1", "r6", "r7")
      FINISH("r2", "r8", "r9")
      "ldm r12!, {r4, r5}\n"
      FINISH("r3", "r4", "r5")
      "str r10, [sp, #12]\n"
      "ldr r4, [sp, #20]\n"
      "cmp r12, r4\n"
      "bne.w 0b\n"
      MIDGE_PAIRS_LEAVE);
}
