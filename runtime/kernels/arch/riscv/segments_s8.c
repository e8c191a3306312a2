/* Products of 32 bits, four channels by two pixels. */
#include <stddef.h>

#include "joined.h"

/* Naked functions find their arguments in registers. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* The offsets that the loop below uses. */
typedef char midge_check_job[offsetof(midge_joined_job, gap) == 8 && offsetof(midge_joined_job, words) == 20 &&
                                     offsetof(midge_joined_job, groups) == 32
                                 ? 1
                                 : -1];

enum {
  LONGEST = 8,  /* elements of a segment */
  ELEMENT = 40, /* bytes of code for one element */
};

/* A header: the number of elements (0 at the end of a run), the bytes to the next header, and where in the unrolled
 * loop the elements behind the first begin. */
static int32_t header(int32_t elements) {
  return elements | (8 * elements + 4) << 8 | ((LONGEST - elements) * ELEMENT) << 16;
}

int32_t midge_segments_expand_s8(const midge_conv_2d_segments_s8_params *params, const int8_t *weights, int32_t segment,
                                 int32_t **words) {
  const midge_window *window = &params->window;
  const int32_t length = window->filter_width * window->input_channels;
  int32_t *target = *words;

  for (int32_t run = 0; run < window->filter_height; ++run) {
    for (int32_t left = length; left > 0;) {
      const int32_t elements = midge_segment_length(params, segment++);
      *target++ = header(elements);
      const int32_t *end = target + 2 * elements;
      do {
        target[0] = weights[0] + weights[1] * (1 << 16);
        target[1] = weights[2] + weights[3] * (1 << 16);
        target += 2;
        weights += 4;
      } while (target != end);
      left -= elements;
    }
    *target++ = 0;
  }
  *words = target;
  return segment;
}

/* a1, a2: the pixels. a3: the words. a4: the unrolled loop. a5: 0xFFFF. a6: 2^15. a7: the gap. t0: runs left.
 * t1 to t4: sums of one segment, both fields. t5, t6: two inputs. s0, s1: two words. s2: a product. s3 to s10: sums. */
__attribute__((naked)) void midge_segments_dot_s8(midge_joined_job *job) {
  __asm__ volatile(
      ".macro midge_products\n"
      "mul s2, t5, s0\n"
      "add t1, t1, s2\n"
      "mul s2, t5, s1\n"
      "add t2, t2, s2\n"
      "mul s2, t6, s0\n"
      "add t3, t3, s2\n"
      "mul s2, t6, s1\n"
      "add t4, t4, s2\n"
      ".endm\n"
      /* The element `left` before the segment's end: 24 bytes in four-byte instructions, 16 above in ten. */
      ".macro midge_element left\n"
      "lb t5, -\\left(a1)\n"
      "lb t6, -\\left(a2)\n"
      ".option push\n"
      ".option norvc\n"
      "lw s0, -8 * \\left(a3)\n"
      "lw s1, 4 - 8 * \\left(a3)\n"
      ".option pop\n"
      "midge_products\n"
      ".endm\n"
      ".macro midge_part both, low, high\n"
      "and s2, \\both, a5\n"
      "add \\low, \\low, s2\n"
      "srai \\both, \\both, 16\n"
      "add \\high, \\high, \\both\n"
      ".endm\n"
      "addi sp, sp, -48\n"
      "sw s0, 0(sp)\n"
      "sw s1, 4(sp)\n"
      "sw s2, 8(sp)\n"
      "sw s3, 12(sp)\n"
      "sw s4, 16(sp)\n"
      "sw s5, 20(sp)\n"
      "sw s6, 24(sp)\n"
      "sw s7, 28(sp)\n"
      "sw s8, 32(sp)\n"
      "sw s9, 36(sp)\n"
      "sw s10, 40(sp)\n"
      "lw a7, 8(a0)\n"
      "lw a3, 20(a0)\n"
      "lla a4, 1f\n"
      "li a6, 0x8000\n"
      "slli a5, a6, 1\n"
      "addi a5, a5, -1\n"
      "4:\n"
      "lw a1, 0(a0)\n"
      "lw a2, 4(a0)\n"
      "lw t0, 12(a0)\n"
      "li s3, 0\n"
      "li s4, 0\n"
      "li s5, 0\n"
      "li s6, 0\n"
      "li s7, 0\n"
      "li s8, 0\n"
      "li s9, 0\n"
      "li s10, 0\n"
      "j 2f\n"
      "1:\n"
      "midge_element 7\n"
      "midge_element 6\n"
      "midge_element 5\n"
      "midge_element 4\n"
      "midge_element 3\n"
      "midge_element 2\n"
      "midge_element 1\n"
      "midge_part t1, s3, s4\n"
      "midge_part t2, s5, s6\n"
      "midge_part t3, s7, s8\n"
      "midge_part t4, s9, s10\n"
      "2:\n"
      "lbu t4, 0(a3)\n"
      "beqz t4, 3f\n"
      "lb t5, 0(a1)\n"
      "lb t6, 0(a2)\n"
      "add a1, a1, t4\n"
      "add a2, a2, t4\n"
      "lw s0, 4(a3)\n"
      "lw s1, 8(a3)\n"
      "lhu s2, 2(a3)\n"
      "lbu t4, 1(a3)\n"
      "add s2, s2, a4\n"
      "add a3, a3, t4\n"
      "mul t1, t5, s0\n"
      "add t1, t1, a6\n"
      "mul t2, t5, s1\n"
      "add t2, t2, a6\n"
      "mul t3, t6, s0\n"
      "add t3, t3, a6\n"
      "mul t4, t6, s1\n"
      "add t4, t4, a6\n"
      "jr s2\n"
      "3:\n"
      "addi a3, a3, 4\n"
      "add a1, a1, a7\n"
      "add a2, a2, a7\n"
      "addi t0, t0, -1\n"
      "bnez t0, 2b\n"
      "lw t5, 24(a0)\n" /* sum */
      "lw t6, 28(a0)\n" /* sum_step */
      "add t6, t6, t5\n"
      "sw s3, 0(t5)\n"
      "sw s4, 4(t5)\n"
      "sw s5, 8(t5)\n"
      "sw s6, 12(t5)\n"
      "sw s7, 0(t6)\n"
      "sw s8, 4(t6)\n"
      "sw s9, 8(t6)\n"
      "sw s10, 12(t6)\n"
      "addi t5, t5, 16\n"
      "sw t5, 24(a0)\n"
      "lw t5, 32(a0)\n" /* groups */
      "addi t5, t5, -1\n"
      "sw t5, 32(a0)\n"
      "bnez t5, 4b\n"
      "lw s0, 0(sp)\n"
      "lw s1, 4(sp)\n"
      "lw s2, 8(sp)\n"
      "lw s3, 12(sp)\n"
      "lw s4, 16(sp)\n"
      "lw s5, 20(sp)\n"
      "lw s6, 24(sp)\n"
      "lw s7, 28(sp)\n"
      "lw s8, 32(sp)\n"
      "lw s9, 36(sp)\n"
      "lw s10, 40(sp)\n"
      "addi sp, sp, 48\n"
      "ret\n"
      ".purgem midge_products\n"
      ".purgem midge_element\n"
      ".purgem midge_part\n");
}
