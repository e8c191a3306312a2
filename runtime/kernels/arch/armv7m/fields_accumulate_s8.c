#include "inner_loops.h"

/* Naked functions find their arguments in registers. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* The assembly below knows this layout. */
typedef char midge_fields_entry_is_three_words[sizeof(midge_fields_entry) == 12 ? 1 : -1];

/* An entry takes nine instructions for eighteen multiplications:
 *   r0 words of pixels, r1 the stream, r2-r5 four words (r2 first the step), r6 and r7 the taps,
 *   r8:r9, r10:r11, r12:lr the accumulators.
 * Accumulators start from 2^20 in the two lower fields, so that none is negative and none borrows from the next.
 * The stack holds, from sp on: line, stream, end, sums, blocks left. */
__attribute__((naked)) void midge_fields_accumulate_s8(const int32_t *line, const midge_fields_entry *entry,
                                                       const midge_fields_entry *end, int32_t *sums, int32_t blocks) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n"
      "ldr r4, [sp, #36]\n"
      "push {r0-r4}\n"
      "1:\n"
      "mov r8, #0x100000\n"
      "mov r9, #0x200\n"
      "mov r10, r8\n"
      "mov r11, r9\n"
      "mov r12, r8\n"
      "mov lr, r9\n"
      "2:\n"
      ".rept 8\n"
      "ldmia r1!, {r2, r6, r7}\n"
      "add r0, r2\n"
      "ldmia r0, {r2-r5}\n"
      "smlal r8, r9, r2, r6\n"
      "smlal r10, r11, r3, r6\n"
      "smlal r12, lr, r4, r6\n"
      "smlal r8, r9, r3, r7\n"
      "smlal r10, r11, r4, r7\n"
      "smlal r12, lr, r5, r7\n"
      ".endr\n"
      "ldr r2, [sp, #8]\n"
      "cmp r1, r2\n"
      "bne 2b\n"
      /* Low fields to r2, r3, r4; the middle ones to r8, r10, r12; the high ones to r9, r11, lr. */
      "ldr r0, [sp, #12]\n"
      "ubfx r2, r8, #0, #21\n"
      "ubfx r3, r10, #0, #21\n"
      "ubfx r4, r12, #0, #21\n"
      "lsr r8, r8, #21\n"
      "lsr r10, r10, #21\n"
      "lsr r12, r12, #21\n"
      "bfi r8, r9, #11, #10\n"
      "bfi r10, r11, #11, #10\n"
      "bfi r12, lr, #11, #10\n"
      "add r3, r3, r9, asr #10\n"
      "add r4, r4, r11, asr #10\n"
      "ldmia r0, {r1, r5, r6, r7}\n"
      "add r1, r2\n"
      "add r5, r8\n"
      "add r6, r3\n"
      "add r7, r10\n"
      "stmia r0!, {r1, r5, r6, r7}\n"
      "ldmia r0, {r1, r2, r3}\n"
      "add r1, r4\n"
      "add r2, r12\n"
      "add r3, r3, lr, asr #10\n"
      "stmia r0, {r1, r2, r3}\n"
      "adds r0, #8\n"
      "str r0, [sp, #12]\n"
      "ldr r2, [sp, #16]\n"
      "ldr r0, [sp, #0]\n"
      "ldr r1, [sp, #4]\n"
      "adds r0, #12\n"
      "str r0, [sp, #0]\n"
      "subs r2, #1\n"
      "str r2, [sp, #16]\n"
      "bne 1b\n"
      "add sp, #20\n"
      "pop {r4-r11, pc}\n");
}
