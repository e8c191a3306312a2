#include <arm_mve.h>
#include <stddef.h>

#include "inner_loops.h"
#include "midge/kernels.h"

/* What the assembly reads and keeps beside its registers; the offsets are written out below. */
typedef struct {
  const int8_t *words;       /*  0 word of the first pixel's and the block's first channel */
  int8_t *output;            /*  4 */
  const int8_t *weights;     /*  8 of the block's first channel */
  const int32_t *records;    /* 12 of the block */
  int32_t pixels;            /* 16 */
  int32_t blocks;            /* 20 */
  int32_t pixel_step;        /* 24 bytes from one pixel's words to the next's */
  int32_t output_step;       /* 28 bytes from one pixel's outputs to the next's */
  const uint8_t *lane_taps;  /* 32 */
  int32_t lane_mask;         /* 36 */
  const int32_t *offsets;    /* 40 */
  int32_t taps;              /* 44 */
  int32_t zero_point;        /* 48 */
  int32_t low;               /* 52 */
  int32_t high;              /* 56 */
  int32_t *sums;             /* 60 four of each pixel */
} frame;

typedef char frame_has_16_words[sizeof(frame) == 64 ? 1 : -1];
typedef char taps_lie_at_44[offsetof(frame, taps) == 44 ? 1 : -1];

/* q0 to q3: weights of four channels; q5: addresses of a pixel's words of the first of them; q6: multipliers. r0, r2,
 * r4, r6: sums, which begin with the biases at r9; r1: outputs; r3, r5: steps; r7: zero point; r10: 1. */
#define ENTER \
  ".syntax unified\n" \
  "push {r4-r11, lr}\n" \
  "vpush {d8-d15}\n" \
  "mov r11, r0\n" \
  "ldr r7, [r11, #48]\n" \
  "mov r10, #1\n"

#define BLOCK \
  "2:\n" \
  "ldrd r1, r9, [r11, #8]\n" \
  "ldrd r0, r2, [r11, #32]\n" \
  "vldrb.8 q4, [r0]\n" \
  "ldr r3, [r11, #44]\n" \
  "vmsr p0, r2\n" \
  "add r2, r1, r3\n" \
  "add r4, r2, r3\n" \
  "add r6, r4, r3\n" \
  "vpstttt\n" \
  "vldrbt.u8 q0, [r1, q4]\n" \
  "vldrbt.u8 q1, [r2, q4]\n" \
  "vldrbt.u8 q2, [r4, q4]\n" \
  "vldrbt.u8 q3, [r6, q4]\n" \
  "add r6, r6, r3\n" \
  "str r6, [r11, #8]\n" \
  "ldr r0, [r11, #40]\n" \
  "vldrw.32 q6, [r9, #16]\n" \
  "vldrw.32 q5, [r0]\n" \
  "vldrw.32 q7, [r9, #32]\n" \
  "ldrd r0, r1, [r11]\n" \
  "vadd.i32 q5, q5, r0\n" \
  "adds r0, r0, #16\n" \
  "adds r2, r1, #4\n" \
  "strd r0, r2, [r11]\n" \
  "ldr lr, [r11, #16]\n" \
  "ldrd r5, r3, [r11, #24]\n" \
  "dls lr, lr\n"

#define PRODUCTS \
  "vldrw.u32 q4, [q5]\n" \
  "vmladava.s8 r0, q0, q4\n" \
  "vldrw.u32 q4, [q5, #4]\n" \
  "vmladava.s8 r2, q1, q4\n" \
  "vldrw.u32 q4, [q5, #8]\n" \
  "vmladava.s8 r4, q2, q4\n" \
  "vldrw.u32 q4, [q5, #12]\n" \
  "vmladava.s8 r6, q3, q4\n" \
  "vadd.i32 q5, q5, r5\n"

#define PIXEL_SUMS \
  "3:\n" \
  "ldm r9, {r0, r2, r4, r6}\n" PRODUCTS \
  "vmov q4[2], q4[0], r0, r4\n" \
  "vmov q4[3], q4[1], r2, r6\n" \
  "vqrdmulh.s32 q4, q4, q6\n"

#define HALVES_AWAY_FROM_ZERO \
  "vpt.s32 lt, q4, zr\n" \
  "vsubt.i32 q4, q4, r10\n"

#define SATURATE \
  "vqmovnb.s32 q4, q4\n" \
  "vqmovnb.s16 q4, q4\n"

#define LEAVE \
  "vpop {d8-d15}\n" \
  "pop {r4-r11, pc}\n"

#define STORE \
  "vstrb.32 q4, [r1]\n" \
  "add r1, r1, r3\n" \
  "le lr, 3b\n" \
  "ldr r0, [r11, #12]\n" \
  "ldr r2, [r11, #20]\n" \
  "adds r0, r0, #48\n" \
  "str r0, [r11, #12]\n" \
  "subs r2, r2, #1\n" \
  "str r2, [r11, #20]\n" \
  "bne 2b\n" LEAVE

/* For an output range of all int8 that begins at the zero point: negative sums do not show. */
__attribute__((naked, noinline)) static void convolve_relu(frame *job __attribute__((unused))) {
  __asm__ volatile(ENTER BLOCK PIXEL_SUMS
                   "vrshl.s32 q4, q4, q7\n"
                   "vadd.i32 q4, q4, r7\n" SATURATE STORE);
}

/* For an output range of all int8. */
__attribute__((naked, noinline)) static void convolve_linear(frame *job __attribute__((unused))) {
  __asm__ volatile(ENTER BLOCK PIXEL_SUMS HALVES_AWAY_FROM_ZERO
                   "vrshl.s32 q4, q4, q7\n"
                   "vadd.i32 q4, q4, r7\n" SATURATE STORE);
}

__attribute__((naked, noinline)) static void convolve_clamped(frame *job __attribute__((unused))) {
  __asm__ volatile(ENTER BLOCK PIXEL_SUMS HALVES_AWAY_FROM_ZERO
                   "vrshl.s32 q4, q4, q7\n"
                   "ldrd r0, r2, [r11, #52]\n"
                   "vadd.i32 q4, q4, r7\n"
                   "vdup.32 q7, r0\n"
                   "vmax.s32 q4, q4, q7\n"
                   "vdup.32 q7, r2\n"
                   "vmin.s32 q4, q4, q7\n"
                   "vldrw.32 q7, [r9, #32]\n" STORE);
}

/* Adds the products of one vector of every pixel's window to the sums of one block. */
__attribute__((naked, noinline)) static void accumulate(frame *job __attribute__((unused))) {
  __asm__ volatile(ENTER BLOCK
                   "ldr r9, [r11, #60]\n"
                   "3:\n"
                   "ldm r9, {r0, r2, r4, r6}\n" PRODUCTS
                   "stm r9!, {r0, r2, r4, r6}\n"
                   "le lr, 3b\n" LEAVE);
}

/* One block whose windows are several vectors. */
static void convolve_vectors(const midge_depthwise_conv_2d_words_s8_params *params, frame job) {
  const int32x4_t bias = vldrwq_s32(job.records);
  const int32x4_t multiplier = vldrwq_s32(job.records + 4);
  const int32x4_t shift = vldrwq_s32(job.records + 8);
  const int32x4_t low = vdupq_n_s32(job.low);
  const int32x4_t high = vdupq_n_s32(job.high);
  frame pass = job;

  for (int32_t pixel = 0; pixel < job.pixels; ++pixel) {
    vstrwq_s32(job.sums + 4 * pixel, bias);
  }
  for (int32_t vector = 0; vector < params->vectors; ++vector) {
    pass.words = job.words;
    pass.weights = job.weights;
    pass.lane_taps = params->lane_taps + 16 * vector;
    pass.lane_mask = params->lane_masks[vector];
    pass.offsets = params->word_offsets + 4 * vector;
    accumulate(&pass);
  }
  for (int32_t pixel = 0; pixel < job.pixels; ++pixel) {
    int32x4_t x = vqrdmulhq_s32(vldrwq_s32(job.sums + 4 * pixel), multiplier);
    x = vaddq_s32(x, vshrq_n_s32(x, 31)); /* halves away from zero */
    x = vaddq_n_s32(vrshlq_s32(x, shift), job.zero_point);
    vstrbq_s32(job.output + pixel * job.output_step, vminq_s32(vmaxq_s32(x, low), high));
  }
}

static void convolve(const midge_depthwise_conv_2d_words_s8_params *params, frame *job) {
  if (params->vectors > 1) {
    for (int32_t block = 0; block < job->blocks; ++block) {
      convolve_vectors(params, *job);
      job->words += 16;
      job->output += 4;
      job->weights += 4 * job->taps;
      job->records += 12;
    }
  } else if (params->activation_min > INT8_MIN || params->activation_max < INT8_MAX) {
    convolve_clamped(job);
  } else if (params->output_zero_point > INT8_MIN) {
    convolve_linear(job);
  } else {
    convolve_relu(job);
  }
}

void midge_words_depthwise_s8(const midge_depthwise_conv_2d_words_s8_params *params, const int8_t *words,
                              int32_t channel, int32_t channels, int32_t pixels, int8_t *output, int32_t *sums) {
  const midge_window *window = &params->window;
  const int32_t whole = channels / 4;
  frame job;
  job.pixel_step = 4 * window->stride_width * params->pass_channels;
  job.output_step = window->output_channels;
  job.lane_taps = params->lane_taps;
  job.lane_mask = params->lane_masks[0];
  job.offsets = params->word_offsets;
  job.taps = window->filter_height * window->filter_width;
  job.zero_point = params->output_zero_point;
  job.low = params->activation_min;
  job.high = params->activation_max;
  job.sums = sums;
  job.pixels = pixels;
  job.words = words;
  job.output = output + channel;
  job.weights = params->weights + channel * job.taps;
  job.records = params->records + 3 * channel;
  job.blocks = whole;
  convolve(params, &job);
  if (whole * 4 < channels) { /* the last four channels, some of them once more; their record lies there already */
    job.words = words + 4 * (channels - 4);
    job.output = output + channel + channels - 4;
    job.weights = params->weights + (channel + channels - 4) * job.taps;
    job.blocks = 1;
    convolve(params, &job);
  }
}
