#include "inner_loops.h"
#include "naked.h"
#include "sparse.h"

/* What the loop below needs. Assembly reads it as seven words in this order. */
typedef struct {
  const int8_t *input;
  const uint16_t *lists;
  const int32_t *records;
  const int32_t *records_end;
  int8_t *output;
  int32_t zero_point;
  const int8_t *last; /* first input of the last segment */
} row_loop;
typedef char midge_check_row_loop[sizeof(row_loop) == 28 ? 1 : -1];

/* r0: the inputs. r1: the lists. r2, r3: records and their end. r4: output. r5: zero point. r6: the last segment. r7: a
 * list's end. r8: the segment's inputs. r9: a sum. r10 to r12, lr: entries. */
static MIDGE_NAKED void all_channels(const row_loop *job) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n"
      "ldm r0, {r0-r6}\n"
      "0:\n" /* next channel */
      "ldr r9, [r2], #12\n"
      "mov r8, r0\n"
      "6:\n" /* next segment */
      "ldrh r10, [r1], #2\n"
      "cmp r10, #0\n"
      "beq.w 2f\n"
      "add r7, r1, r10, lsl #1\n"
      "rsb r10, r10, #0\n"
      "and r10, r10, #7\n"
      "sub r1, r1, r10, lsl #1\n"
      "adr.w r11, 1f\n"
      "add r11, r11, r10, lsl #4\n" /* an entry's code has 16 bytes */
      "mov pc, r11\n"
      ".balign 4\n"
      "1:\n"
      ".irp entry, 0, 1, 2, 3, 4, 5, 6, 7\n"
      "ldrb.w r10, [r1, #2 * \\entry]\n"
      "ldrsb.w r11, [r1, #2 * \\entry + 1]\n"
      "ldrsb.w r12, [r8, r10]\n"
      "mla r9, r11, r12, r9\n"
      ".endr\n"
      "add r1, r1, #16\n"
      "cmp r1, r7\n"
      "bne.w 1b\n"
      "2:\n"
      "cmp r8, r6\n"
      "beq 3f\n"
      "add r8, r8, #256\n"
      "b 6b\n"
      "3:\n"
      "ldrd r10, r11, [r2, #-8]\n"
      "smmlar r9, r9, r10, r9\n"
      "mov r12, #1\n"
      "add r9, r9, r9, asr #31\n"
      "ror r12, r12, r11\n" /* 2^(32 - shift) */
      "smmlar r9, r9, r12, r5\n"
      "ssat r9, #8, r9\n"
      "strb r9, [r4], #1\n"
      "cmp r2, r3\n"
      "bne 0b\n"
      "pop {r4-r11, pc}\n");
}

void midge_sparse_row_s8(const midge_sparse_job *job) {
  const row_loop loop = {job->input,
                         job->lists,
                         job->records,
                         job->records + (ptrdiff_t)3 * job->channels,
                         job->output,
                         job->zero_point,
                         job->input + (job->depth - 1) / MIDGE_SPARSE_SEGMENT * MIDGE_SPARSE_SEGMENT};
  all_channels(&loop);
  if (job->low > -128 || job->high < 127) {
    midge_clamp_bytes_s8(job->output, job->channels, job->low, job->high);
  }
}
