/* As in pairs_loops.h, with the words of inputs that the blocks name. */
#include "blocks.h"
#include "inner_loops.h"
#include "naked.h"

/* What the loop below needs. Assembly reads it as eight words in this order. */
typedef struct {
  const int32_t *row;  /* a word for each column of blocks */
  const int32_t *last; /* first word of the last segment */
  const uint8_t *places;
  const int32_t *blocks;
  const int32_t *records;
  const int32_t *records_end;
  int8_t *output;
  int32_t zero_point;
} row_loop;
typedef char midge_check_row_loop[sizeof(row_loop) == 32 ? 1 : -1];

/* Inputs as int16, in their order, eight at a time. Returns where the next ones go. */
static MIDGE_NAKED int16_t *widen(const int8_t *input, int32_t eights, int16_t *target) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r8, lr}\n"
      "cbz r1, 2f\n"
      "1:\n"
      "ldr r5, [r0]\n"
      "ldr r7, [r0, #4]\n"
      "sxtb16 r3, r5\n"
      "sxtb16 r5, r5, ror #8\n"
      "sxtb16 r6, r7\n"
      "sxtb16 r7, r7, ror #8\n"
      "pkhbt r4, r3, r5, lsl #16\n"
      "pkhtb r5, r5, r3, asr #16\n"
      "pkhtb r8, r7, r6, asr #16\n"
      "pkhbt r7, r6, r7, lsl #16\n"
      "add r0, r0, #8\n"
      "stm r2!, {r4, r5, r7, r8}\n"
      "subs r1, r1, #1\n"
      "bne 1b\n"
      "2:\n"
      "mov r0, r2\n"
      "pop {r4-r8, pc}\n");
}

/* r0, r1: high sums. r2, r3: low sums. r4, r5: places, then inputs. r6: the segment's inputs. r7: the end of its places.
 * r8 to r11: weights. r12: where they come from. lr: the places. On the stack: 0 row, 4 last, 8 records, 12 their end, 16
 * output, 20 zero point, 24 the structure, in which places and blocks are moved on. */
static MIDGE_NAKED void all_channels(row_loop *job) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n"
      "ldm r0, {r1-r8}\n"
      "mov lr, r3\n"
      "mov r12, r4\n"
      "push {r0}\n"
      "push {r1, r2, r5-r8}\n"
      "0:\n" /* next four channels */
      "ldr r6, [sp]\n"
      "mov r0, #0\n"
      "mov r1, #0\n"
      "mov r2, #0\n"
      "mov r3, #0\n"
      "6:\n" /* next segment */
      "ldrb r7, [lr], #1\n"
      "cmp r7, #0\n"
      "beq.w 2f\n"
      "rsb r4, r7, #0\n"
      "add r7, lr, r7, lsl #1\n"
      "and r4, r4, #3\n"
      "add r4, r4, r4, lsl #4\n" /* a step's code has 17 words */
      "adr.w r5, 1f\n"
      "add r5, r5, r4, lsl #2\n"
      "mov pc, r5\n"
      ".balign 4\n"
      "1:\n"
      ".rept 4\n"
      "ldrb.w r4, [lr], #1\n"
      "ldrb.w r5, [lr], #1\n"
      "ldr.w r4, [r6, r4, lsl #2]\n"
      "ldr.w r5, [r6, r5, lsl #2]\n"
      "ldm.w r12!, {r8-r11}\n"
      "smlad r0, r8, r4, r0\n"
      "smlad r1, r9, r4, r1\n"
      "smlad r0, r10, r5, r0\n"
      "smlad r1, r11, r5, r1\n"
      "sxtb16 r8, r8\n"
      "sxtb16 r9, r9\n"
      "sxtb16 r10, r10\n"
      "sxtb16 r11, r11\n"
      "smlad r2, r8, r4, r2\n"
      "smlad r3, r9, r4, r3\n"
      "smlad r2, r10, r5, r2\n"
      "smlad r3, r11, r5, r3\n"
      ".endr\n"
      "cmp lr, r7\n"
      "bne.w 1b\n"
      "2:\n"
      "ldr r4, [sp, #4]\n"
      "cmp r6, r4\n"
      "beq 3f\n"
      "add r6, r6, #1024\n"
      "b 6b\n"
      "3:\n"
      "sub r0, r0, r2\n"
      "sub r1, r1, r3\n"
      "ldr r11, [sp, #8]\n"
      "ldr r10, [sp, #16]\n"
      "ldr r9, [sp, #20]\n"
      "asr r0, r0, #8\n"
      "asr r1, r1, #8\n"
      ".irp sum, r2, r0, r3, r1\n"
      "ldm r11!, {r4, r5, r7}\n"
      "mov r8, #1\n"
      "add \\sum, \\sum, r4\n"
      "smmlar \\sum, \\sum, r5, \\sum\n"
      "ror r8, r8, r7\n" /* 2^(32 - shift) */
      "add \\sum, \\sum, \\sum, asr #31\n"
      "smmlar \\sum, \\sum, r8, r9\n"
      "ssat \\sum, #8, \\sum\n"
      "strb \\sum, [r10], #1\n"
      ".endr\n"
      "ldr r4, [sp, #12]\n"
      "str r11, [sp, #8]\n"
      "str r10, [sp, #16]\n"
      "cmp r11, r4\n"
      "bne.w 0b\n"
      "ldr r0, [sp, #24]\n"
      "str lr, [r0, #8]\n"
      "str r12, [r0, #12]\n"
      "add sp, sp, #28\n"
      "pop {r4-r11, pc}\n");
}

void midge_block_pairs_row_s8(const midge_blocks_job *job) {
  const int32_t left_over = job->channels % MIDGE_BLOCK_CHANNELS;
  const int32_t whole = job->channels - left_over;
  const int32_t segments = ((job->depth + 1) / 2 - 1) / MIDGE_BLOCK_SEGMENT;
  int32_t *row = job->scratch;
  row_loop loop = {row,          row + (ptrdiff_t)segments * MIDGE_BLOCK_SEGMENT,
                   job->places,  job->blocks,
                   job->records, job->records + (ptrdiff_t)3 * whole,
                   job->output,  job->zero_point};

  int16_t *target = widen(job->input, job->depth / 8, job->scratch);
  for (int32_t i = job->depth & ~7; i < job->depth; ++i) {
    *target++ = job->input[i];
  }
  if (job->depth & 1) {
    *target = 0;
  }
  if (whole > 0) {
    all_channels(&loop);
  }
  if (left_over > 0) {
    int8_t spare[MIDGE_BLOCK_CHANNELS];
    loop.records = loop.records_end;
    loop.records_end += 3 * MIDGE_BLOCK_CHANNELS;
    loop.output = spare;
    all_channels(&loop);
    for (int32_t channel = 0; channel < left_over; ++channel) {
      job->output[whole + channel] = spare[channel];
    }
  }
  if (job->low > -128 || job->high < 127) {
    midge_clamp_bytes_s8(job->output, job->channels, job->low, job->high);
  }
}
