/* As in pairs_conv.h, with the words of inputs that the blocks name: two pixels, four channels. */
#include "blocks.h"
#include "inner_loops.h"
#include "naked.h"

/* What the loop below needs; it moves `groups` on. Assembly reads it as seven words in this order. */
typedef struct {
  const int16_t *tile;
  const int32_t *groups;
  const int32_t *records;
  const int32_t *records_end;
  int8_t *output;
  int32_t distance; /* bytes to the second pixel's */
  int32_t zero_point;
} tile_loop;
typedef char midge_check_tile_loop[sizeof(tile_loop) == 28 ? 1 : -1];

/* Inputs of two pixels as int16, four at a time, two words for every two inputs. Returns where the next ones go. */
static MIDGE_NAKED int16_t *widen(const int8_t *first, const int8_t *second, int32_t quads, int16_t *target) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r8, lr}\n"
      "cbz r2, 2f\n"
      "1:\n"
      "ldr r8, [r0], #4\n"
      "ldr r12, [r1], #4\n"
      "sxtb16 r4, r8\n"
      "sxtb16 r8, r8, ror #8\n"
      "sxtb16 r5, r12\n"
      "sxtb16 r12, r12, ror #8\n"
      "pkhtb r6, r8, r4, asr #16\n"
      "pkhtb r7, r12, r5, asr #16\n"
      "pkhbt r4, r4, r8, lsl #16\n"
      "pkhbt r5, r5, r12, lsl #16\n"
      "stm r3!, {r4-r7}\n"
      "subs r2, r2, #1\n"
      "bne 1b\n"
      "2:\n"
      "mov r0, r3\n"
      "pop {r4-r8, pc}\n");
}

/* r0 to r3: high sums of pair 0 for both pixels, of pair 1 for both. r4 to r7: their low sums. r8, r9: weights. r10, r11:
 * inputs. r12: the blocks. lr: the tile. On the stack: 0 the end of the blocks, 4 zero point, 8 the structure. */
static MIDGE_NAKED void all_channels(tile_loop *job) {
  __asm__ volatile(
      ".syntax unified\n"
      ".macro midge_block\n"
      "ldrd r10, r11, [r10]\n"
      "smlad r0, r8, r10, r0\n"
      "smlad r1, r8, r11, r1\n"
      "smlad r2, r9, r10, r2\n"
      "smlad r3, r9, r11, r3\n"
      "sxtb16 r8, r8\n"
      "sxtb16 r9, r9\n"
      "smlad r4, r8, r10, r4\n"
      "smlad r5, r8, r11, r5\n"
      "smlad r6, r9, r10, r6\n"
      "smlad r7, r9, r11, r7\n"
      ".endm\n"
      "push {r4-r11, lr}\n"
      "ldr r2, [r0, #24]\n"
      "push {r0, r1, r2}\n"
      "strd r2, r0, [sp, #4]\n"
      "0:\n" /* next four channels */
      "ldr r8, [sp, #8]\n"
      "ldr lr, [r8]\n"
      "ldr r12, [r8, #4]\n"
      "mov r0, #0\n"
      "mov r1, #0\n"
      "mov r2, #0\n"
      "mov r3, #0\n"
      "mov r4, #0\n"
      "mov r5, #0\n"
      "mov r6, #0\n"
      "mov r7, #0\n"
      "ldr r10, [r12], #4\n"
      "cmp r10, #0\n"
      "beq.w 2f\n"
      "add r11, r10, r10, lsl #2\n" /* two blocks take five words */
      "add r11, r12, r11, lsl #2\n"
      "str r11, [sp]\n"
      "rsb r10, r10, #0\n"
      "and r10, r10, #3\n"
      "mov r11, #112\n" /* and 112 bytes of code */
      "adr.w r8, 1f\n"
      "mla r10, r10, r11, r8\n"
      "mov pc, r10\n"
      ".balign 4\n"
      "1:\n"
      ".rept 4\n"
      "ldrh.w r10, [r12], #4\n"
      "ldm.w r12!, {r8, r9}\n"
      "add.w r10, lr, r10\n"
      "midge_block\n"
      "ldrh.w r10, [r12, #-10]\n"
      "ldm.w r12!, {r8, r9}\n"
      "add.w r10, lr, r10\n"
      "midge_block\n"
      ".endr\n"
      "ldr r8, [sp]\n"
      "cmp r12, r8\n"
      "bne.w 1b\n"
      "2:\n"
      "ldr r8, [sp, #8]\n"
      "str r12, [r8, #4]\n"
      "ldr r12, [r8, #8]\n"
      "ldr r11, [r8, #16]\n"
      "ldr lr, [r8, #20]\n"
      "sub r0, r0, r4\n"
      "sub r1, r1, r5\n"
      "sub r2, r2, r6\n"
      "sub r3, r3, r7\n"
      "asr r0, r0, #8\n"
      "asr r1, r1, #8\n"
      "asr r2, r2, #8\n"
      "asr r3, r3, #8\n"
      ".macro midge_finish first, second\n"
      "ldm r12!, {r8-r10}\n"
      "add \\first, \\first, r8\n"
      "add \\second, \\second, r8\n"
      "ldr r8, [sp, #4]\n"
      "smmlar \\first, \\first, r9, \\first\n"
      "smmlar \\second, \\second, r9, \\second\n"
      "add \\first, \\first, \\first, asr #31\n"
      "add \\second, \\second, \\second, asr #31\n"
      "smmlar \\first, \\first, r10, r8\n"
      "smmlar \\second, \\second, r10, r8\n"
      "ssat \\first, #8, \\first\n"
      "ssat \\second, #8, \\second\n"
      "strb \\second, [r11, lr]\n"
      "strb \\first, [r11], #1\n"
      ".endm\n"
      "midge_finish r4, r5\n"
      "midge_finish r0, r1\n"
      "midge_finish r6, r7\n"
      "midge_finish r2, r3\n"
      ".purgem midge_finish\n"
      ".purgem midge_block\n"
      "ldr r8, [sp, #8]\n"
      "ldr r9, [r8, #12]\n"
      "str r12, [r8, #8]\n"
      "str r11, [r8, #16]\n"
      "cmp r12, r9\n"
      "bne.w 0b\n"
      "add sp, sp, #12\n"
      "pop {r4-r11, pc}\n");
}

void midge_block_pairs_tile_s8(const midge_block_tile *job) {
  const int32_t left_over = job->channels % MIDGE_BLOCK_CHANNELS;
  const int32_t whole = job->channels - left_over;
  const int32_t stride = job->pixels > 1 ? job->channels : 0;
  const int8_t *second = job->input + (job->pixels > 1 ? job->step : 0);
  tile_loop loop = {job->tile,   job->blocks, job->records,   job->records + (ptrdiff_t)3 * whole,
                    job->output, stride,      job->zero_point};

  int16_t *target = widen(job->input, second, job->depth >> 2, job->tile);
  for (int32_t i = job->depth & ~3; i < job->depth; i += 2) {
    const int32_t has_both = i + 1 < job->depth;
    target[0] = job->input[i];
    target[1] = has_both ? job->input[i + 1] : 0;
    target[2] = second[i];
    target[3] = has_both ? second[i + 1] : 0;
    target += 4;
  }
  if (whole > 0) {
    all_channels(&loop);
  }
  if (left_over > 0) {
    int8_t spare[2 * MIDGE_BLOCK_CHANNELS];
    loop.records_end += 3 * MIDGE_BLOCK_CHANNELS;
    loop.output = spare;
    loop.distance = MIDGE_BLOCK_CHANNELS;
    all_channels(&loop);
    for (int32_t channel = 0; channel < left_over; ++channel) {
      job->output[whole + channel + stride] = spare[MIDGE_BLOCK_CHANNELS + channel];
      job->output[whole + channel] = spare[channel];
    }
  }
  if (job->low > -128 || job->high < 127) {
    midge_clamp_bytes_s8(job->output, job->pixels * job->channels, job->low, job->high);
  }
}
