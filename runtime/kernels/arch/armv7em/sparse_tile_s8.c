/* Two pixels to a word, low + high * 2^23: one long multiplication adds to both sums of a 64-bit accumulator. The lower
 * one starts from 2^22 and stays within its 23 bits; the upper one starts from the bias. */
#include "inner_loops.h"
#include "naked.h"
#include "sparse.h"

/* What the loop below needs. Assembly reads it as nine words in this order. */
typedef struct {
  const int32_t *tile; /* [depth][MIDGE_SPARSE_PIXELS / 2] */
  const uint16_t *lists;
  const int32_t *records;
  const int32_t *records_end;
  int8_t *output; /* the last pixel's */
  int32_t channels;
  int32_t zero_point;
  const int32_t *last; /* first word of the last segment */
  int32_t pixels;
} tile_loop;
typedef char midge_check_tile_loop[sizeof(tile_loop) == 36 ? 1 : -1];

/* Words of two pixels for all inputs, 16 bytes apart. */
static MIDGE_NAKED void spread(const int8_t *low, const int8_t *high, int32_t depth, int32_t *word) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r8, lr}\n"
      "lsr r4, r2, #2\n"
      "and r2, r2, #3\n"
      "cbz r4, 2f\n"
      "1:\n"
      "ldr r5, [r0], #4\n"
      "ldr r6, [r1], #4\n"
      "sxtb r7, r5\n"
      "sxtb r8, r6\n"
      "add r7, r7, r8, lsl #23\n"
      "str r7, [r3]\n"
      "sxtb r7, r5, ror #8\n"
      "sxtb r8, r6, ror #8\n"
      "add r7, r7, r8, lsl #23\n"
      "str r7, [r3, #16]\n"
      "sxtb r7, r5, ror #16\n"
      "sxtb r8, r6, ror #16\n"
      "add r7, r7, r8, lsl #23\n"
      "str r7, [r3, #32]\n"
      "asr r7, r5, #24\n"
      "asr r8, r6, #24\n"
      "add r7, r7, r8, lsl #23\n"
      "str r7, [r3, #48]\n"
      "add r3, r3, #64\n"
      "subs r4, r4, #1\n"
      "bne 1b\n"
      "2:\n"
      "cbz r2, 4f\n"
      "3:\n"
      "ldrsb r7, [r0], #1\n"
      "ldrsb r8, [r1], #1\n"
      "add r7, r7, r8, lsl #23\n"
      "str r7, [r3], #16\n"
      "subs r2, r2, #1\n"
      "bne 3b\n"
      "4:\n"
      "pop {r4-r8, pc}\n");
}

/* r0 to r7: accumulators, low and high word by turns. r8, r9: inputs. r10: an entry's place, then its inputs. r11: a
 * weight. r12: the lists. lr: the segment's inputs. On the stack: 0 the list's end, 4 where to enter the last step, 8 the
 * structure up to `last`. */
static MIDGE_NAKED void all_channels(const tile_loop *job) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n"
      "ldm r0, {r1-r9}\n"
      "mov r12, r2\n"
      "rsb r9, r9, #8\n"
      "mov r10, #24\n" /* bytes of the last step's code for one pixel */
      "adr.w r11, 5f\n"
      "mla r9, r9, r10, r11\n"
      "orr r0, r9, #1\n"
      "push {r0-r8}\n"
      "sub sp, sp, #4\n"
      "0:\n" /* next channel */
      "ldr r8, [sp, #16]\n"
      "ldr lr, [sp, #8]\n"
      "ldr r9, [r8]\n"
      "lsl r0, r9, #23\n"
      "orr r0, r0, #0x400000\n"
      "asr r1, r9, #9\n"
      "mov r2, r0\n"
      "mov r3, r1\n"
      "mov r4, r0\n"
      "mov r5, r1\n"
      "mov r6, r0\n"
      "mov r7, r1\n"
      "6:\n" /* next segment */
      "ldrh r10, [r12], #2\n"
      "cmp r10, #0\n"
      "beq.w 2f\n"
      "add r8, r12, r10, lsl #1\n"
      "str r8, [sp]\n"
      "rsb r10, r10, #0\n"
      "and r10, r10, #7\n"
      "sub r12, r12, r10, lsl #1\n"
      "add r10, r10, r10, lsl #3\n" /* an entry's code has 36 bytes */
      "adr.w r8, 1f\n"
      "add r8, r8, r10, lsl #2\n"
      "mov pc, r8\n"
      ".balign 4\n"
      "1:\n"
      ".irp entry, 0, 1, 2, 3, 4, 5, 6, 7\n"
      "ldrb.w r10, [r12, #2 * \\entry]\n"
      "ldrsb.w r11, [r12, #2 * \\entry + 1]\n"
      "add.w r10, lr, r10, lsl #4\n"
      "ldrd r8, r9, [r10]\n"
      "smlal r0, r1, r11, r8\n"
      "smlal r2, r3, r11, r9\n"
      "ldrd r8, r9, [r10, #8]\n"
      "smlal r4, r5, r11, r8\n"
      "smlal r6, r7, r11, r9\n"
      ".endr\n"
      "ldr r8, [sp]\n"
      "add r12, r12, #16\n"
      "cmp r12, r8\n"
      "bne.w 1b\n"
      "2:\n"
      "ldr r8, [sp, #36]\n"
      "cmp lr, r8\n"
      "beq 3f\n"
      "add lr, lr, #4096\n"
      "b 6b\n"
      "3:\n"
      "str r12, [sp, #12]\n"
      "ldr r12, [sp, #16]\n"
      "ldm r12!, {r8-r10}\n"
      "str r12, [sp, #16]\n"
      "sub r8, r8, #0x400000\n"
      ".macro midge_part low, high\n"
      "lsr r11, \\low, #23\n"
      "orr \\high, r11, \\high, lsl #9\n"
      "ubfx \\low, \\low, #0, #23\n"
      "add \\low, \\low, r8\n"
      ".endm\n"
      "midge_part r0, r1\n"
      "midge_part r2, r3\n"
      "midge_part r4, r5\n"
      "midge_part r6, r7\n"
      ".purgem midge_part\n"
      "mov r8, #1\n"
      "ror r8, r8, r10\n" /* 2^(32 - shift) */
      "ldr r10, [sp, #32]\n"
      "ldr r11, [sp, #24]\n"
      "ldr lr, [sp, #28]\n"
      "add r12, r11, #1\n"
      "str r12, [sp, #24]\n"
      "ldr.w pc, [sp, #4]\n"
      ".balign 4\n"
      "5:\n"
      ".irp sum, r7, r6, r5, r4, r3, r2, r1, r0\n"
      "smmlar \\sum, \\sum, r9, \\sum\n"
      "add.w \\sum, \\sum, \\sum, asr #31\n"
      "smmlar \\sum, \\sum, r8, r10\n"
      "ssat \\sum, #8, \\sum\n"
      "strb.w \\sum, [r11]\n"
      "sub.w r11, r11, lr\n"
      ".endr\n"
      "ldr r12, [sp, #12]\n"
      "ldr r8, [sp, #16]\n"
      "ldr r9, [sp, #20]\n"
      "cmp r8, r9\n"
      "bne.w 0b\n"
      "add sp, sp, #40\n"
      "pop {r4-r11, pc}\n");
}

void midge_sparse_tile_s8(const midge_sparse_job *job) {
  const int8_t *low = job->input;
  int32_t *tile = job->tile;
  const tile_loop loop = {tile,
                          job->lists,
                          job->records,
                          job->records + (ptrdiff_t)3 * job->channels,
                          job->output + (ptrdiff_t)(job->pixels - 1) * job->channels,
                          job->channels,
                          job->zero_point,
                          tile + (job->depth - 1) / MIDGE_SPARSE_SEGMENT * (4 * MIDGE_SPARSE_SEGMENT),
                          job->pixels};

  for (int32_t left = job->pixels; left > 0; left -= 2) {
    const int8_t *high = low + (left > 1 ? job->step : 0);
    spread(low, high, job->depth, tile++);
    low = high + (left > 2 ? job->step : 0);
  }
  all_channels(&loop);
  if (job->low > -128 || job->high < 127) {
    midge_clamp_bytes_s8(job->output, job->pixels * job->channels, job->low, job->high);
  }
}
