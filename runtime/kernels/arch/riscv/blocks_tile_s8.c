/* Sixteen sums stay in registers while the blocks of four channels are read. */
#include <stddef.h>

#include "blocks.h"
#include "finish.h"

/* Naked functions find their arguments in registers. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* A segment of four channels. Assembly reads it in this order. */
typedef struct {
  const int8_t *tile;
  const uint8_t *place;
  const uint8_t *end;
  const int8_t *weight;
  int32_t sums[MIDGE_BLOCK_CHANNELS * MIDGE_BLOCK_PIXELS];
} segment;
typedef char midge_check_segment[offsetof(segment, sums) == 16 ? 1 : -1];

/* Rows of four pixels' inputs, channel by channel; an odd one is followed by zeros. Those of pixels that are missing mean
 * nothing. */
static void spread(const midge_block_tile *job) {
  const int8_t *input = job->input;
  for (int32_t pixel = 0; pixel < job->pixels; ++pixel) {
    int8_t *target = (int8_t *)job->tile + pixel;
    const int8_t *source = input;
    const int8_t *end = input + (job->depth & ~3);
    for (; source != end; source += 4) {
      target[0] = source[0];
      target[4] = source[1];
      target[8] = source[2];
      target[12] = source[3];
      target += 16;
    }
    end += job->depth & 3;
    for (; source != end; ++source) {
      *target = *source;
      target += 4;
    }
    if (job->depth & 1) {
      *target = 0;
    }
    if (pixel + 1 < job->pixels) {
      input += job->step;
    }
  }
}

/* Adds the segment's products to the sums. a1: the tile. a2, a3: places and their end. a4: weights. t0 to t3: inputs. t4: a
 * weight. t5: a product. t6: the inputs' place. s0 to s11, a5 to a7, ra: sums. */
__attribute__((naked)) static void add_products(segment *job) {
  __asm__ volatile(
      ".macro midge_channel weight, sum0, sum1, sum2, sum3\n"
      "lb t4, \\weight(a4)\n"
      "mul t5, t0, t4\n"
      "add \\sum0, \\sum0, t5\n"
      "mul t5, t1, t4\n"
      "add \\sum1, \\sum1, t5\n"
      "mul t5, t2, t4\n"
      "add \\sum2, \\sum2, t5\n"
      "mul t5, t3, t4\n"
      "add \\sum3, \\sum3, t5\n"
      ".endm\n"
      ".macro midge_input input\n"
      "lb t0, 4 * \\input(t6)\n"
      "lb t1, 4 * \\input + 1(t6)\n"
      "lb t2, 4 * \\input + 2(t6)\n"
      "lb t3, 4 * \\input + 3(t6)\n"
      "midge_channel 4 * \\input, s0, s1, s2, s3\n"
      "midge_channel 4 * \\input + 1, s4, s5, s6, s7\n"
      "midge_channel 4 * \\input + 2, s8, s9, s10, s11\n"
      "midge_channel 4 * \\input + 3, a5, a6, a7, ra\n"
      ".endm\n"
      "addi sp, sp, -64\n"
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
      "sw s11, 44(sp)\n"
      "sw ra, 48(sp)\n"
      "lw a1, 0(a0)\n"
      "lw a2, 4(a0)\n"
      "lw a3, 8(a0)\n"
      "lw a4, 12(a0)\n"
      "lw s0, 16(a0)\n"
      "lw s1, 20(a0)\n"
      "lw s2, 24(a0)\n"
      "lw s3, 28(a0)\n"
      "lw s4, 32(a0)\n"
      "lw s5, 36(a0)\n"
      "lw s6, 40(a0)\n"
      "lw s7, 44(a0)\n"
      "lw s8, 48(a0)\n"
      "lw s9, 52(a0)\n"
      "lw s10, 56(a0)\n"
      "lw s11, 60(a0)\n"
      "lw a5, 64(a0)\n"
      "lw a6, 68(a0)\n"
      "lw a7, 72(a0)\n"
      "lw ra, 76(a0)\n"
      "beq a2, a3, 2f\n"
      "1:\n"
      "lbu t6, 0(a2)\n"
      "addi a2, a2, 1\n"
      "slli t6, t6, 3\n"
      "add t6, t6, a1\n"
      "midge_input 0\n"
      "midge_input 1\n"
      "addi a4, a4, 8\n"
      "bne a2, a3, 1b\n"
      "2:\n"
      "sw s0, 16(a0)\n"
      "sw s1, 20(a0)\n"
      "sw s2, 24(a0)\n"
      "sw s3, 28(a0)\n"
      "sw s4, 32(a0)\n"
      "sw s5, 36(a0)\n"
      "sw s6, 40(a0)\n"
      "sw s7, 44(a0)\n"
      "sw s8, 48(a0)\n"
      "sw s9, 52(a0)\n"
      "sw s10, 56(a0)\n"
      "sw s11, 60(a0)\n"
      "sw a5, 64(a0)\n"
      "sw a6, 68(a0)\n"
      "sw a7, 72(a0)\n"
      "sw ra, 76(a0)\n"
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
      "lw s11, 44(sp)\n"
      "lw ra, 48(sp)\n"
      "addi sp, sp, 64\n"
      "ret\n"
      ".purgem midge_channel\n"
      ".purgem midge_input\n");
}

void midge_blocks_tile_s8(const midge_block_tile *job) {
  const midge_output_range range = {job->zero_point, job->low, job->high};
  const int32_t *record = job->records;
  int8_t *output = job->output;
  segment part;
  part.end = job->places;
  part.weight = (const int8_t *)job->blocks;

  spread(job);
  for (int32_t left = job->channels; left > 0; left -= MIDGE_BLOCK_CHANNELS) {
    part.tile = job->tile;
    for (int32_t i = 0; i < MIDGE_BLOCK_CHANNELS * MIDGE_BLOCK_PIXELS; ++i) {
      part.sums[i] = 0;
    }
    for (int32_t depth = job->depth; depth > 0; depth -= MIDGE_BLOCK_INPUTS * MIDGE_BLOCK_SEGMENT) {
      const int32_t blocks = 2 * *part.end;
      part.place = part.end + 1;
      part.end = part.place + blocks;
      add_products(&part);
      part.weight += MIDGE_BLOCK_INPUTS * MIDGE_BLOCK_CHANNELS * blocks;
      if (depth > MIDGE_BLOCK_INPUTS * MIDGE_BLOCK_SEGMENT) {
        part.tile += MIDGE_BLOCK_INPUTS * MIDGE_BLOCK_PIXELS * MIDGE_BLOCK_SEGMENT;
      }
    }
    for (int32_t j = 0; j < MIDGE_BLOCK_CHANNELS && j < left; ++j) {
      midge_finish_pixels_s8(&range, part.sums + MIDGE_BLOCK_PIXELS * j, record, job->pixels, output++, job->channels);
      record += 3;
    }
  }
}
