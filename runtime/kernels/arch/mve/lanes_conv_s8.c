#include <stddef.h>

#include "inner_loops.h"
#include "midge/kernels.h"

/* What the assembly reads and keeps beside its registers; the offsets are written out below. */
typedef struct {
  const int8_t *window0;  /*  0 first byte of the pixel's window */
  const int8_t *window1;  /*  4 the same of the pixel after it */
  int8_t *output0;        /*  8 */
  int8_t *output1;        /* 12 */
  const int32_t *blocks;  /* 16 */
  const int32_t *rest;    /* 20 behind the last block of four channels */
  int32_t runs;           /* 24 */
  int32_t loops;          /* 28 rounds of up to four chunks of 16 bytes in a run */
  int32_t entry;          /* 32 chunks to leave out in the first round; then the address at which it begins */
  int32_t leave;          /* 36 whether a run ends with a tail (2), is followed by another (1), or neither (0); then an
                                address */
  int32_t skip;           /* 40 bytes from the end of a run to the next run */
  int32_t tail;           /* 44 bytes of a run behind its last chunk */
  int32_t rounds;         /* 48 pairs of pixels, or pixels */
  int32_t advance;        /* 52 bytes from one round's window to the next's */
  int32_t output_advance; /* 56 bytes from the end of a round's outputs to the next's */
  int32_t rest_channels;  /* 60 channels behind the last block of four, 0 to 3 */
  int32_t chunks;         /* 64 of a run */
  int32_t rest_chunk;     /* 68 bytes of weights of those channels for one chunk */
  int32_t rest_back;      /* 72 by how much reading a tail as if there were four channels goes too far */
  int32_t zero_point;     /* 76 */
  int32_t low;            /* 80 */
  int32_t high;           /* 84 */
  int32_t clamps_negative; /* 88 whether no negative sum can show: halves then need no care */
  const int32_t *records; /* 92 of the channels left over */
  int32_t rest_runs;      /* 96 runs still to come */
} frame;

typedef char frame_has_25_words[sizeof(frame) == 100 ? 1 : -1];
typedef char runs_lie_at_24[offsetof(frame, runs) == 24 ? 1 : -1];
typedef char rounds_lie_at_48[offsetof(frame, rounds) == 48 ? 1 : -1];

/* r1, r3: windows; r5: weights; r7: rounds of chunks; r9: runs; r11: the frame. The even registers are sums: only they
 * take those of VMLADAVA. q5, q6, q7: zero point, least and greatest output. */
#define ENTER \
  ".syntax unified\n" \
  "push {r4-r11, lr}\n" \
  "vpush {d8-d15}\n" \
  "mov r11, r0\n" \
  "ldr r1, [r11, #76]\n" \
  "ldr r3, [r11, #80]\n" \
  "ldr r5, [r11, #84]\n" \
  "vdup.32 q5, r1\n" \
  "vdup.32 q6, r3\n" \
  "vdup.32 q7, r5\n"

/* Addresses for `ldr pc` have their lowest bit set: Thumb. */
#define RESOLVE(chunk_bytes) \
  "ldr r1, [r11, #32]\n" \
  "movs r3, #" chunk_bytes "\n" \
  "adr r5, 10f\n" \
  "mla r1, r1, r3, r5\n" \
  "ldr r3, [r11, #28]\n" \
  "cbnz r3, 1f\n" \
  "adr r1, 20f\n" \
  "1:\n" \
  "orr r1, r1, #1\n" \
  "str r1, [r11, #32]\n" \
  "ldr r3, [r11, #36]\n" \
  "adr r1, 40f\n" \
  "cbz r3, 1f\n" \
  "adr r1, 30f\n" \
  "cmp r3, #1\n" \
  "beq 1f\n" \
  "adr r1, 20f\n" \
  "1:\n" \
  "orr r1, r1, #1\n" \
  "str r1, [r11, #36]\n"

#define LEAVE \
  "vpop {d8-d15}\n" \
  "pop {r4-r11, pc}\n"

#define PAIR_CHUNK \
  "vldrb.8 q0, [r1], #16\n" \
  "vldrb.8 q1, [r3], #16\n" \
  "vldrb.8 q2, [r5], #16\n" \
  "vldrb.8 q3, [r5], #16\n" \
  "vmladava.s8 r0, q2, q0\n" \
  "vmladava.s8 r8, q2, q1\n" \
  "vldrb.8 q2, [r5], #16\n" \
  "vmladava.s8 r2, q3, q0\n" \
  "vmladava.s8 r10, q3, q1\n" \
  "vldrb.8 q3, [r5], #16\n" \
  "vmladava.s8 r4, q2, q0\n" \
  "vmladava.s8 r12, q2, q1\n" \
  "vmladava.s8 r6, q3, q0\n" \
  "vmladava.s8 lr, q3, q1\n"

#define PAIR_TAIL_CHANNEL(sum0, sum1) \
  "vldrb.8 q2, [r5]\n" \
  "add r5, r5, r7\n" \
  "vmladava.s8 " sum0 ", q2, q0\n" \
  "vmladava.s8 " sum1 ", q2, q1\n"

#define PAIR_TAIL \
  "ldr r7, [r11, #44]\n" \
  "vctp.8 r7\n" \
  "vpstt\n" \
  "vldrbt.8 q0, [r1]\n" \
  "vldrbt.8 q1, [r3]\n" \
  "add r1, r1, r7\n" \
  "add r3, r3, r7\n" \
  PAIR_TAIL_CHANNEL("r0", "r8") \
  PAIR_TAIL_CHANNEL("r2", "r10") \
  PAIR_TAIL_CHANNEL("r4", "r12") \
  PAIR_TAIL_CHANNEL("r6", "lr")

/* From the eight sums and, at r5, four multipliers and four shifts to q0 and q1. */
#define PAIR_FINISH \
  "vmov q0[2], q0[0], r0, r4\n" \
  "ldr r7, [r11, #88]\n" \
  "vmov q0[3], q0[1], r2, r6\n" \
  "vldrw.32 q2, [r5], #16\n" \
  "vmov q1[2], q1[0], r8, r12\n" \
  "vmov q1[3], q1[1], r10, lr\n" \
  "vqrdmulh.s32 q0, q0, q2\n" \
  "vldrw.32 q3, [r5], #16\n" \
  "vqrdmulh.s32 q1, q1, q2\n" \
  "cbnz r7, 1f\n" \
  "vshr.s32 q2, q0, #31\n" \
  "vshr.s32 q4, q1, #31\n" \
  "vadd.i32 q0, q0, q2\n" \
  "vadd.i32 q1, q1, q4\n" \
  "1:\n" \
  "vrshl.s32 q0, q0, q3\n" \
  "vrshl.s32 q1, q1, q3\n" \
  "vadd.i32 q0, q0, q5\n" \
  "vadd.i32 q1, q1, q5\n" \
  "vmax.s32 q0, q0, q6\n" \
  "vmax.s32 q1, q1, q6\n" \
  "vmin.s32 q0, q0, q7\n" \
  "vmin.s32 q1, q1, q7\n"

__attribute__((naked, noinline, aligned(8))) static void convolve_pairs(frame *job __attribute__((unused))) {
  __asm__ volatile(
      ENTER RESOLVE("56")
      "2:\n" /* a pair of pixels */
      "ldr r5, [r11, #16]\n"
      "ldr r7, [r11, #20]\n"
      "cmp r5, r7\n"
      "beq 50f\n"
      "3:\n" /* a block of four channels */
      "ldm r5, {r0, r2, r4, r6}\n"
      "ldm r5!, {r8, r10, r12, lr}\n"
      "ldrd r1, r3, [r11]\n"
      "ldr r9, [r11, #24]\n"
      "4:\n" /* a run */
      "ldr r7, [r11, #28]\n"
      "ldr pc, [r11, #32]\n"
      ".balign 4\n"
      "10:\n" PAIR_CHUNK PAIR_CHUNK PAIR_CHUNK PAIR_CHUNK
      "subs r7, r7, #1\n"
      "bgt 10b\n"
      "ldr pc, [r11, #36]\n"
      ".balign 4\n"
      "20:\n" PAIR_TAIL
      ".balign 4\n"
      "30:\n"
      "subs r9, r9, #1\n"
      "beq 40f\n"
      "ldr r7, [r11, #40]\n"
      "add r1, r1, r7\n"
      "add r3, r3, r7\n"
      "b 4b\n"
      ".balign 4\n"
      "40:\n"
      PAIR_FINISH
      "ldrd r1, r3, [r11, #8]\n"
      "ldr r9, [r11, #20]\n"
      "vstrb.32 q0, [r1], #4\n"
      "vstrb.32 q1, [r3], #4\n"
      "strd r1, r3, [r11, #8]\n"
      "cmp r5, r9\n"
      "bne 3b\n"
      "50:\n"
      "ldr r7, [r11, #60]\n"
      "cmp r7, #0\n"
      "beq.w 60f\n"
      "ldm r5, {r0, r2, r4, r6}\n" /* the channels left over: what is read beyond them is not stored */
      "ldm r5!, {r8, r10, r12, lr}\n"
      "str r5, [r11, #92]\n"
      "adds r5, r5, #32\n"
      "ldrd r1, r3, [r11]\n"
      "ldr r9, [r11, #24]\n"
      "str r9, [r11, #96]\n"
      "51:\n"
      "ldrd r7, r9, [r11, #64]\n"
      "cbz r7, 53f\n"
      "52:\n"
      "vldrb.8 q0, [r1], #16\n"
      "vldrb.8 q1, [r3], #16\n"
      "vldrb.8 q2, [r5]\n"
      "vmladava.s8 r0, q2, q0\n"
      "vmladava.s8 r8, q2, q1\n"
      "vldrb.8 q2, [r5, #16]\n"
      "vmladava.s8 r2, q2, q0\n"
      "vmladava.s8 r10, q2, q1\n"
      "vldrb.8 q2, [r5, #32]\n"
      "add r5, r5, r9\n"
      "vmladava.s8 r4, q2, q0\n"
      "vmladava.s8 r12, q2, q1\n"
      "subs r7, r7, #1\n"
      "bne 52b\n"
      "53:\n"
      "ldr r7, [r11, #44]\n"
      "cbz r7, 54f\n"
      PAIR_TAIL
      "ldr r7, [r11, #72]\n"
      "subs r5, r5, r7\n"
      "54:\n"
      "ldr r9, [r11, #96]\n"
      "ldr r7, [r11, #40]\n"
      "subs r9, r9, #1\n"
      "str r9, [r11, #96]\n"
      "add r1, r1, r7\n"
      "add r3, r3, r7\n"
      "bne 51b\n"
      "ldr r5, [r11, #92]\n"
      PAIR_FINISH
      "ldr r7, [r11, #60]\n"
      "ldrd r1, r3, [r11, #8]\n"
      "vctp.32 r7\n"
      "vpstt\n"
      "vstrbt.32 q0, [r1]\n"
      "vstrbt.32 q1, [r3]\n"
      "add r1, r1, r7\n"
      "add r3, r3, r7\n"
      "strd r1, r3, [r11, #8]\n"
      "60:\n"
      "ldr r9, [r11, #52]\n"
      "ldrd r1, r3, [r11]\n"
      "ldrd r5, r7, [r11, #8]\n"
      "add r1, r1, r9\n"
      "add r3, r3, r9\n"
      "ldr r9, [r11, #56]\n"
      "strd r1, r3, [r11]\n"
      "add r5, r5, r9\n"
      "add r7, r7, r9\n"
      "strd r5, r7, [r11, #8]\n"
      "ldr r9, [r11, #48]\n"
      "subs r9, r9, #1\n"
      "str r9, [r11, #48]\n"
      "bne.w 2b\n"
      LEAVE);
}

#define SINGLE_CHUNK \
  "vldrb.8 q0, [r1], #16\n" \
  "vldrb.8 q1, [r5], #16\n" \
  "vldrb.8 q2, [r5], #16\n" \
  "vmladava.s8 r0, q1, q0\n" \
  "vldrb.8 q1, [r5], #16\n" \
  "vmladava.s8 r2, q2, q0\n" \
  "vldrb.8 q2, [r5], #16\n" \
  "vmladava.s8 r4, q1, q0\n" \
  "vmladava.s8 r6, q2, q0\n"

#define SINGLE_TAIL_CHANNEL(sum) \
  "vldrb.8 q1, [r5]\n" \
  "add r5, r5, r7\n" \
  "vmladava.s8 " sum ", q1, q0\n"

#define SINGLE_TAIL \
  "ldr r7, [r11, #44]\n" \
  "vctp.8 r7\n" \
  "vpst\n" \
  "vldrbt.8 q0, [r1]\n" \
  "add r1, r1, r7\n" \
  SINGLE_TAIL_CHANNEL("r0") \
  SINGLE_TAIL_CHANNEL("r2") \
  SINGLE_TAIL_CHANNEL("r4") \
  SINGLE_TAIL_CHANNEL("r6")

#define SINGLE_FINISH \
  "vmov q0[2], q0[0], r0, r4\n" \
  "ldr r7, [r11, #88]\n" \
  "vmov q0[3], q0[1], r2, r6\n" \
  "vldrw.32 q2, [r5], #16\n" \
  "vqrdmulh.s32 q0, q0, q2\n" \
  "vldrw.32 q3, [r5], #16\n" \
  "cbnz r7, 1f\n" \
  "vshr.s32 q2, q0, #31\n" \
  "vadd.i32 q0, q0, q2\n" \
  "1:\n" \
  "vrshl.s32 q0, q0, q3\n" \
  "vadd.i32 q0, q0, q5\n" \
  "vmax.s32 q0, q0, q6\n" \
  "vmin.s32 q0, q0, q7\n"

__attribute__((naked, noinline, aligned(8))) static void convolve_pixels(frame *job __attribute__((unused))) {
  __asm__ volatile(
      ENTER RESOLVE("36")
      "2:\n" /* a pixel */
      "ldr r5, [r11, #16]\n"
      "ldr r7, [r11, #20]\n"
      "ldr r3, [r11, #8]\n"
      "cmp r5, r7\n"
      "beq 50f\n"
      "3:\n" /* a block of four channels */
      "ldm r5!, {r0, r2, r4, r6}\n"
      "ldr r1, [r11]\n"
      "ldr r9, [r11, #24]\n"
      "4:\n" /* a run */
      "ldr r7, [r11, #28]\n"
      "ldr pc, [r11, #32]\n"
      ".balign 4\n"
      "10:\n" SINGLE_CHUNK SINGLE_CHUNK SINGLE_CHUNK SINGLE_CHUNK
      "subs r7, r7, #1\n"
      "bgt 10b\n"
      "ldr pc, [r11, #36]\n"
      ".balign 4\n"
      "20:\n" SINGLE_TAIL
      ".balign 4\n"
      "30:\n"
      "subs r9, r9, #1\n"
      "beq 40f\n"
      "ldr r7, [r11, #40]\n"
      "add r1, r1, r7\n"
      "b 4b\n"
      ".balign 4\n"
      "40:\n"
      SINGLE_FINISH
      "ldr r9, [r11, #20]\n"
      "vstrb.32 q0, [r3], #4\n"
      "cmp r5, r9\n"
      "bne 3b\n"
      "50:\n"
      "ldr r7, [r11, #60]\n"
      "cmp r7, #0\n"
      "beq.w 60f\n"
      "ldm r5!, {r0, r2, r4, r6}\n" /* the channels left over: what is read beyond them is not stored */
      "mov r12, r5\n"
      "adds r5, r5, #32\n"
      "ldr r1, [r11]\n"
      "ldr r8, [r11, #24]\n"
      "51:\n"
      "ldrd r7, r9, [r11, #64]\n"
      "cbz r7, 53f\n"
      "52:\n"
      "vldrb.8 q0, [r1], #16\n"
      "vldrb.8 q1, [r5]\n"
      "vmladava.s8 r0, q1, q0\n"
      "vldrb.8 q1, [r5, #16]\n"
      "vmladava.s8 r2, q1, q0\n"
      "vldrb.8 q1, [r5, #32]\n"
      "vmladava.s8 r4, q1, q0\n"
      "add r5, r5, r9\n"
      "subs r7, r7, #1\n"
      "bne 52b\n"
      "53:\n"
      "ldr r7, [r11, #44]\n"
      "cbz r7, 54f\n"
      SINGLE_TAIL
      "ldr r7, [r11, #72]\n"
      "subs r5, r5, r7\n"
      "54:\n"
      "ldr r7, [r11, #40]\n"
      "subs r8, r8, #1\n"
      "add r1, r1, r7\n"
      "bne 51b\n"
      "mov r5, r12\n"
      SINGLE_FINISH
      "ldr r7, [r11, #60]\n"
      "vctp.32 r7\n"
      "vpst\n"
      "vstrbt.32 q0, [r3]\n"
      "add r3, r3, r7\n"
      "60:\n"
      "ldr r1, [r11]\n"
      "ldr r9, [r11, #52]\n"
      "str r3, [r11, #8]\n"
      "add r1, r1, r9\n"
      "str r1, [r11]\n"
      "ldr r9, [r11, #48]\n"
      "subs r9, r9, #1\n"
      "str r9, [r11, #48]\n"
      "bne.w 2b\n"
      LEAVE);
}

void midge_lanes_conv_s8(const midge_conv_2d_lanes_s8_params *params, const int8_t *window, int32_t pixel_step,
                         int32_t run_stride, int32_t pixels, int8_t *output) {
  const int32_t channels = params->window.output_channels;
  const int32_t chunks = params->run_length / 16;
  const int32_t tail = params->run_length % 16;
  frame job;
  job.runs = params->runs;
  job.loops = (chunks + 3) / 4;
  job.entry = -chunks & 3;
  job.leave = tail > 0 ? 2 : params->runs > 1;
  job.skip = run_stride - params->run_length;
  job.tail = tail;
  job.blocks = params->blocks;
  job.rest = params->blocks + (channels / 4) * (12 + params->runs * params->run_length);
  job.rest_channels = channels % 4;
  job.chunks = chunks;
  job.rest_chunk = 16 * (channels % 4);
  job.rest_back = (4 - channels % 4) * tail;
  job.zero_point = params->output_zero_point;
  job.low = params->activation_min;
  job.high = params->activation_max;
  job.clamps_negative = params->activation_min >= params->output_zero_point;
  job.output_advance = channels;
  job.window0 = window;
  job.window1 = window + pixel_step;
  job.output0 = output;
  job.output1 = output + channels;
  job.rounds = pixels / 2;
  if (job.rounds > 0) {
    job.advance = 2 * pixel_step;
    convolve_pairs(&job);
  }
  if (pixels % 2 > 0) {
    job.entry = -chunks & 3;
    job.leave = tail > 0 ? 2 : params->runs > 1;
    job.rounds = 1;
    convolve_pixels(&job);
  }
}
