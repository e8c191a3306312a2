#include "inner_loops.h"
#include "naked.h"

/* The assembly below knows this layout. */
typedef char midge_winograd_scale_is_eight_words[sizeof(midge_winograd_scale) == 32 ? 1 : -1];

/* Three groups of four registers take turns: a and b hold the columns 0 and 1 of a tile, transformed down the columns,
 * and c gets column 2; column 3 goes to a, whose values are used up. So c and a are the next tile's columns 0 and 1.
 * r0 pixels, r1 where the tile's places go.
 * The stack holds, from sp on: bytes from a column to the next, bytes from a place to the next, the tile's first place,
 * bytes from behind the fourth tile to the next block's first one, where the last tile's successor would begin. */
#define MIDGE_WINOGRAD_MACROS \
  ".syntax unified\n" \
  /* Loads the next column, two of the four channels. */ \
  ".macro midge_column x0, x1, x2, x3, turn\n" \
  "ldr \\x0, [sp]\n" \
  "add r0, \\x0\n" \
  "ldmia r0, {\\x0, \\x1, \\x2, \\x3}\n" \
  "sxtb16 \\x0, \\x0, ror #\\turn\n" \
  "sxtb16 \\x1, \\x1, ror #\\turn\n" \
  "sxtb16 \\x2, \\x2, ror #\\turn\n" \
  "sxtb16 \\x3, \\x3, ror #\\turn\n" \
  ".endm\n" \
  /* Transforms the column in x and stores y - x. */ \
  ".macro midge_difference x0, x1, x2, x3, y0, y1, y2, y3\n" \
  "ssub16 \\x0, \\x0, \\x2\n" \
  "ssub16 \\y0, \\y0, \\x0\n" \
  "str \\y0, [r1]\n" \
  "sadd16 \\y0, \\x1, \\x2\n" \
  "ssub16 \\x3, \\x1, \\x3\n" \
  "ssub16 \\x2, \\x2, \\x1\n" \
  "mov \\x1, \\y0\n" \
  "ldr \\y0, [sp, #4]\n" \
  "ssub16 \\y1, \\y1, \\x1\n" \
  "str \\y1, [r1, \\y0]\n" \
  "ssub16 \\y2, \\y2, \\x2\n" \
  "str \\y2, [r1, \\y0, lsl #1]\n" \
  "ssub16 \\y3, \\y3, \\x3\n" \
  "add r1, \\y0\n" \
  "str \\y3, [r1, \\y0, lsl #1]\n" \
  ".endm\n" \
  ".macro midge_four name, stride, stride3, temporary, x0, x1, x2, x3, y0, y1, y2, y3\n" \
  "\\name \\temporary, \\x0, \\y0\n" \
  "str \\temporary, [r1]\n" \
  "\\name \\temporary, \\x1, \\y1\n" \
  "str \\temporary, [r1, \\stride]\n" \
  "\\name \\temporary, \\x2, \\y2\n" \
  "str \\temporary, [r1, \\stride, lsl #1]\n" \
  "\\name \\temporary, \\x3, \\y3\n" \
  "str \\temporary, [r1, \\stride3]\n" \
  "add r1, r1, \\stride, lsl #2\n" \
  ".endm\n" \
  ".macro midge_tile a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, turn\n" \
  "midge_column \\c0, \\c1, \\c2, \\c3, \\turn\n" \
  "midge_difference \\c0, \\c1, \\c2, \\c3, \\a0, \\a1, \\a2, \\a3\n" \
  "add \\a1, \\a0, \\a0, lsl #1\n" \
  "add r1, \\a1\n" \
  "midge_four sadd16, \\a0, \\a1, \\a2, \\b0, \\b1, \\b2, \\b3, \\c0, \\c1, \\c2, \\c3\n" \
  "midge_four ssub16, \\a0, \\a1, \\a2, \\c0, \\c1, \\c2, \\c3, \\b0, \\b1, \\b2, \\b3\n" \
  "midge_column \\a0, \\a1, \\a2, \\a3, \\turn\n" \
  "midge_difference \\a0, \\a1, \\a2, \\a3, \\b0, \\b1, \\b2, \\b3\n" \
  "ldr r1, [sp, #8]\n" \
  "ldr \\b0, [sp, #12]\n" \
  "adds r1, #4\n" \
  "tst r1, #15\n" \
  "it eq\n" \
  "addeq r1, \\b0\n" \
  "str r1, [sp, #8]\n" \
  "ldr \\b0, [sp, #16]\n" \
  "cmp r1, \\b0\n" \
  "beq 9f\n" \
  ".endm\n" \
  /* The first two columns, which no tile comes before. */ \
  ".macro midge_first x0, x1, x2, x3, temporary, turn\n" \
  "midge_column \\x0, \\x1, \\x2, \\x3, \\turn\n" \
  "ssub16 \\x0, \\x0, \\x2\n" \
  "sadd16 \\temporary, \\x1, \\x2\n" \
  "ssub16 \\x3, \\x1, \\x3\n" \
  "ssub16 \\x2, \\x2, \\x1\n" \
  "mov \\x1, \\temporary\n" \
  ".endm\n" \
  ".macro midge_row turn\n" \
  "midge_first r2, r3, r4, r5, lr, \\turn\n" \
  "midge_first r6, r7, r8, r9, lr, \\turn\n" \
  "1:\n" \
  "midge_tile r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, lr, \\turn\n" \
  "midge_tile r10, r11, r12, lr, r2, r3, r4, r5, r6, r7, r8, r9, \\turn\n" \
  "midge_tile r6, r7, r8, r9, r10, r11, r12, lr, r2, r3, r4, r5, \\turn\n" \
  "b 1b\n" \
  "9:\n" \
  ".endm\n"

#define MIDGE_WINOGRAD_END \
  ".purgem midge_column\n" \
  ".purgem midge_difference\n" \
  ".purgem midge_four\n" \
  ".purgem midge_tile\n" \
  ".purgem midge_first\n" \
  ".purgem midge_row\n"

MIDGE_NAKED void midge_winograd_transform_s8(const int32_t *strip, int32_t words, int32_t word,
                                                        int32_t columns, int32_t *tiles) {
  __asm__ volatile(MIDGE_WINOGRAD_MACROS
      "push {r4-r11, lr}\n"
      "ldr r5, [sp, #36]\n"
      "sub sp, #20\n"
      "lsl r4, r1, #3\n"
      "str r4, [sp]\n"
      "lsl r6, r1, #4\n"
      "str r6, [sp, #4]\n"
      "add r5, r5, r2, lsl #4\n"
      "str r5, [sp, #8]\n"
      "lsl r7, r6, #4\n"
      "sub r7, #16\n"
      "str r7, [sp, #12]\n"
      "and r8, r3, #3\n"
      "lsr r9, r3, #2\n"
      "add r5, r5, r8, lsl #2\n"
      "lsl r6, r6, #4\n"
      "mla r5, r6, r9, r5\n"
      "str r5, [sp, #16]\n"
      "lsr r5, r2, #1\n"
      "add r0, r0, r5, lsl #4\n"
      "sub r0, r4\n"
      "ldr r1, [sp, #8]\n"
      "tst r2, #1\n"
      "bne 5f\n"
      "midge_row 0\n"
      "b 8f\n"
      "5:\n"
      "midge_row 8\n"
      "8:\n"
      "add sp, #20\n"
      "pop {r4-r11, pc}\n" MIDGE_WINOGRAD_END);
}

/* r0 the block, r1 weights, r2 and r3 words of two tiles, r4 and r5 of two channels, r6-r12 and lr the sums.
 * The stack holds, from sp on: where the products go, their end, bytes of a place's weights, the end of this place's. */
MIDGE_NAKED void midge_winograd_multiply_s16(const int32_t *block, const int32_t *weights, int32_t words,
                                                        int32_t *products) {
  __asm__ volatile(
      ".syntax unified\n"
      ".macro midge_word\n"
      "ldmia r1!, {r4, r5}\n"
      "ldmia r0!, {r2, r3}\n"
      "smlad r6, r2, r4, r6\n"
      "smlad r7, r2, r5, r7\n"
      "smlad r8, r3, r4, r8\n"
      "smlad r9, r3, r5, r9\n"
      "ldmia r0!, {r2, r3}\n"
      "smlad r10, r2, r4, r10\n"
      "smlad r11, r2, r5, r11\n"
      "smlad r12, r3, r4, r12\n"
      "smlad lr, r3, r5, lr\n"
      ".endm\n"
      /* All places, `unrolled` words at a time: a place's first word begins the sums. */
      ".macro midge_places unrolled\n"
      "1:\n"
      "ldmia r1!, {r4, r5}\n"
      "ldmia r0!, {r2, r3}\n"
      "smuad r6, r2, r4\n"
      "smuad r7, r2, r5\n"
      "smuad r8, r3, r4\n"
      "smuad r9, r3, r5\n"
      "ldmia r0!, {r2, r3}\n"
      "smuad r10, r2, r4\n"
      "smuad r11, r2, r5\n"
      "smuad r12, r3, r4\n"
      "smuad lr, r3, r5\n"
      "b 3f\n"
      "2:\n"
      "midge_word\n"
      "3:\n"
      ".rept \\unrolled - 1\n"
      "midge_word\n"
      ".endr\n"
      "ldr r2, [sp, #12]\n"
      "cmp r1, r2\n"
      "bne 2b\n"
      "ldr r3, [sp, #8]\n"
      "add r2, r3\n"
      "str r2, [sp, #12]\n"
      "ldr r3, [sp]\n"
      "stmia r3!, {r6-r12, lr}\n"
      "str r3, [sp]\n"
      "ldr r2, [sp, #4]\n"
      "cmp r3, r2\n"
      "bne 1b\n"
      "add sp, #16\n"
      "pop {r4-r11, pc}\n"
      ".endm\n"
      "push {r4-r11, lr}\n"
      "lsl r6, r2, #3\n"
      "add r7, r1, r6\n"
      "mov r4, r3\n"
      "add r5, r3, #512\n"
      "push {r4-r7}\n"
      "tst r2, #7\n"
      "bne 5f\n"
      "midge_places 8\n"
      "5:\n"
      "midge_places 4\n"
      ".purgem midge_places\n"
      ".purgem midge_word\n");
}

/* r0 products, r1 output, r2 bias, r3 multiplier, r12 rounding, lr shift, r4-r7 the four outputs: those of the upper row
 * in r4 and r6. The stack holds the number of tiles left and the scale. */
MIDGE_NAKED void midge_winograd_finish_s8(const int32_t *products, int32_t tiles,
                                                     const midge_winograd_scale *scale, int8_t *output) {
  __asm__ volatile(
      ".syntax unified\n"
      /* One column of places: the sums of the upper outputs to m0, of the lower ones to m1. */
      ".macro midge_back at, m0, m1, m2, m3\n"
      "ldr \\m0, [r0, #(\\at)]\n"
      "ldr \\m1, [r0, #(\\at + 32)]\n"
      "ldr \\m2, [r0, #(\\at + 64)]\n"
      "ldr \\m3, [r0, #(\\at + 96)]\n"
      "add \\m0, \\m1\n"
      "add \\m0, \\m2\n"
      "sub \\m1, \\m2\n"
      "sub \\m1, \\m3\n"
      ".endm\n"
      ".macro midge_scale x\n"
      "add \\x, r2, \\x, asr #2\n"
      "smmlar \\x, \\x, r3, \\x\n"
      "add \\x, \\x, \\x, asr #31\n"
      "add \\x, r12\n"
      "asr \\x, lr\n"
      "ssat \\x, #8, \\x\n"
      ".endm\n"
      ".macro midge_clamp x\n"
      "cmp \\x, r8\n"
      "it lt\n"
      "movlt \\x, r8\n"
      "cmp \\x, r9\n"
      "it gt\n"
      "movgt \\x, r9\n"
      ".endm\n"
      "push {r4-r11, lr}\n"
      "sub sp, #8\n"
      "str r1, [sp]\n"
      "str r2, [sp, #4]\n"
      "mov r1, r3\n"
      "ldmia r2, {r2, r3, r12, lr}\n"
      "1:\n"
      "midge_back 0, r4, r5, r6, r7\n"
      "midge_back 128, r6, r7, r8, r9\n"
      "add r4, r6\n"
      "add r5, r7\n"
      "midge_back 256, r8, r9, r10, r11\n"
      "add r4, r8\n"
      "add r5, r9\n"
      "sub r6, r8\n"
      "sub r7, r9\n"
      "midge_back 384, r8, r9, r10, r11\n"
      "sub r6, r8\n"
      "sub r7, r9\n"
      "midge_scale r4\n"
      "midge_scale r5\n"
      "midge_scale r6\n"
      "midge_scale r7\n"
      "ldr r10, [sp, #4]\n"
      "ldrd r8, r9, [r10, #24]\n"
      "sub r11, r9, r8\n"
      "cmp r11, #255\n"
      "beq 2f\n"
      "midge_clamp r4\n"
      "midge_clamp r5\n"
      "midge_clamp r6\n"
      "midge_clamp r7\n"
      "2:\n"
      "ldrd r8, r9, [r10, #16]\n"
      "strb r4, [r1]\n"
      "strb r6, [r1, r8]\n"
      "strb r5, [r1, r9]\n"
      "add r9, r8\n"
      "strb r7, [r1, r9]\n"
      "add r1, r1, r8, lsl #1\n"
      "adds r0, #8\n"
      "ldr r8, [sp]\n"
      "subs r8, #1\n"
      "str r8, [sp]\n"
      "bne 1b\n"
      "add sp, #8\n"
      "pop {r4-r11, pc}\n"
      ".purgem midge_back\n"
      ".purgem midge_scale\n"
      ".purgem midge_clamp\n");
}
