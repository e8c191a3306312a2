/* Two columns of two rows at a time.
 *
 * r0 r1    rows         r2 r3   bytes per pixel      r4   plane 0 (planes 1 and 2 follow at r5 and twice r5)
 * r5       plane_bytes  r6      plane 3              r7   columns left
 * r8 to lr pixels
 */
#include "inner_loops.h"

typedef char midge_planes_pack_is_seven_words[sizeof(midge_planes_pack) == 28 ? 1 : -1];

__attribute__((naked)) void midge_planes_pack_s8(const midge_planes_pack *pack) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n"
      "ldm r0, {r0-r6}\n"
      "mov r7, r6\n"
      "add r6, r4, r5, lsl #1\n"
      "add r6, r6, r5\n"
      "subs r7, r7, #2\n"
      "blt.w 2f\n"
      "1:\n"
      "ldr r8, [r0]\n"
      "ldr r9, [r0, r2]\n"
      "ldr r10, [r1]\n"
      "ldr r11, [r1, r3]\n"
      "add r0, r0, r2, lsl #1\n"
      "add r1, r1, r3, lsl #1\n"
      "pkhtb r12, r10, r8, asr #16\n"
      "pkhbt r8, r8, r10, lsl #16\n"
      "pkhtb lr, r11, r9, asr #16\n"
      "pkhbt r9, r9, r11, lsl #16\n"
      "sxtb16 r10, r8\n"
      "sxtb16 r11, r9\n"
      "sxtb16 r8, r8, ror #8\n"
      "sxtb16 r9, r9, ror #8\n"
      "str r11, [r4, #4]\n"
      "str r10, [r4], #8\n"
      "add r10, r4, r5\n"
      "str r9, [r10, #-4]\n"
      "str r8, [r10, #-8]\n"
      "sxtb16 r8, r12\n"
      "sxtb16 r9, lr\n"
      "sxtb16 r12, r12, ror #8\n"
      "sxtb16 lr, lr, ror #8\n"
      "add r10, r10, r5\n"
      "str r9, [r10, #-4]\n"
      "str r8, [r10, #-8]\n"
      "str lr, [r6, #4]\n"
      "str r12, [r6], #8\n"
      "subs r7, r7, #2\n"
      "bge.w 1b\n"
      "2:\n"
      "cmn r7, #2\n"
      "beq.w 3f\n"
      "ldr r8, [r0]\n"
      "ldr r10, [r1]\n"
      "pkhtb r12, r10, r8, asr #16\n"
      "pkhbt r8, r8, r10, lsl #16\n"
      "sxtb16 r10, r8\n"
      "sxtb16 r8, r8, ror #8\n"
      "str r10, [r4]\n"
      "str r8, [r4, r5]\n"
      "sxtb16 r10, r12\n"
      "sxtb16 r12, r12, ror #8\n"
      "str r10, [r4, r5, lsl #1]\n"
      "str r12, [r6]\n"
      "3:\n"
      "pop {r4-r11, pc}\n");
}
