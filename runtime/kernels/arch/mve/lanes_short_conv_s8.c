#include <stddef.h>

#include "inner_loops.h"
#include "midge/kernels.h"

/* What the assembly reads beside its registers; the offsets are written out below. */
typedef struct {
  const int8_t *window;  /*  0 of the first pixel */
  int8_t *output;        /*  4 of the first pixel and the block's first channel */
  const int32_t *blocks; /*  8 */
  int32_t count;         /* 12 blocks */
  int32_t pixels;        /* 16 */
  int32_t pixel_step;    /* 20 */
  int32_t output_step;   /* 24 */
  int32_t length;        /* 28 bytes of a window, 1 to 16 */
  int32_t zero_point;    /* 32 */
  int32_t low;           /* 36 */
  int32_t high;          /* 40 */
  int32_t channels;      /* 44 of a block that has fewer than four */
} frame;

typedef char frame_has_12_words[sizeof(frame) == 48 ? 1 : -1];
typedef char length_lies_at_28[offsetof(frame, length) == 28 ? 1 : -1];

/* Most pixels whose outputs may be written while their windows are still needed, for the next channels. */
#define TOGETHER 32

/* q0 to q3: weights of four channels; q6, q7: multipliers and shifts. r0, r2, r4, r6: sums, which begin with the biases
 * at r9; r1: outputs; r5: windows; r3, r8: their steps; r7: zero point. Lanes behind a window's end are off. */
#define ENTER \
  ".syntax unified\n" \
  "push {r4-r11, lr}\n" \
  "vpush {d8-d15}\n" \
  "mov r11, r0\n" \
  "ldrd r7, r10, [r11, #28]\n" \
  "ldrd r8, r3, [r11, #20]\n" \
  "vctp.8 r7\n"

/* r7 is the window's length, r12 the weights. */
#define LOAD_WEIGHTS \
  "vldrb.8 q0, [r12]\n" \
  "add r12, r12, r7\n" \
  "vldrb.8 q1, [r12]\n" \
  "add r12, r12, r7\n" \
  "vldrb.8 q2, [r12]\n" \
  "add r12, r12, r7\n" \
  "vldrb.8 q3, [r12]\n" \
  "add r12, r12, r7\n"

#define WHOLE_BLOCK \
  "2:\n" \
  "ldr r9, [r11, #8]\n" \
  "add r12, r9, #16\n" \
  LOAD_WEIGHTS \
  "vldrw.32 q6, [r12], #16\n" \
  "vldrw.32 q7, [r12], #16\n" \
  "ldrd r5, r1, [r11]\n" \
  "str r12, [r11, #8]\n" \
  "adds r0, r1, #4\n" \
  "ldr lr, [r11, #16]\n" \
  "str r0, [r11, #4]\n" \
  "dls lr, lr\n" \
  "3:\n" \
  "vpst\n" \
  "vldrbt.8 q4, [r5]\n"

#define SUMS \
  "ldm r9, {r0, r2, r4, r6}\n" \
  "add r5, r5, r8\n" \
  "vmladava.s8 r0, q0, q4\n" \
  "vmladava.s8 r2, q1, q4\n" \
  "vmladava.s8 r4, q2, q4\n" \
  "vmladava.s8 r6, q3, q4\n" \
  "vmov q4[2], q4[0], r0, r4\n" \
  "vmov q4[3], q4[1], r2, r6\n" \
  "vqrdmulh.s32 q4, q4, q6\n"

#define HALVES_AWAY_FROM_ZERO \
  "vshr.s32 q5, q4, #31\n" \
  "vadd.i32 q4, q4, q5\n"

#define SATURATE \
  "vrshl.s32 q4, q4, q7\n" \
  "vadd.i32 q4, q4, r10\n" \
  "vqmovnb.s32 q4, q4\n" \
  "vqmovnb.s16 q4, q4\n"

#define CLAMP \
  "vrshl.s32 q4, q4, q7\n" \
  "ldrd r0, r2, [r11, #36]\n" \
  "vadd.i32 q4, q4, r10\n" \
  "vdup.32 q5, r0\n" \
  "vmax.s32 q4, q4, q5\n" \
  "vdup.32 q5, r2\n" \
  "vmin.s32 q4, q4, q5\n"

#define NEXT_PIXEL \
  "vstrb.32 q4, [r1]\n" \
  "add r1, r1, r3\n" \
  "le lr, 3b\n"

#define NEXT_BLOCK \
  "ldr r0, [r11, #12]\n" \
  "subs r0, r0, #1\n" \
  "str r0, [r11, #12]\n" \
  "bne 2b\n"

#define LEAVE \
  "vpop {d8-d15}\n" \
  "pop {r4-r11, pc}\n"

/* For an output range of all int8 that begins at the zero point: negative sums do not show. */
__attribute__((naked, noinline)) static void convolve_relu(frame *job __attribute__((unused))) {
  __asm__ volatile(ENTER WHOLE_BLOCK SUMS SATURATE NEXT_PIXEL NEXT_BLOCK LEAVE);
}

/* For an output range of all int8. */
__attribute__((naked, noinline)) static void convolve_linear(frame *job __attribute__((unused))) {
  __asm__ volatile(ENTER WHOLE_BLOCK SUMS HALVES_AWAY_FROM_ZERO SATURATE NEXT_PIXEL NEXT_BLOCK LEAVE);
}

__attribute__((naked, noinline)) static void convolve_clamped(frame *job __attribute__((unused))) {
  __asm__ volatile(ENTER WHOLE_BLOCK SUMS HALVES_AWAY_FROM_ZERO CLAMP NEXT_PIXEL NEXT_BLOCK LEAVE);
}

/* The channels left over: what is computed beyond them is not stored. */
__attribute__((naked, noinline)) static void convolve_rest(frame *job __attribute__((unused))) {
  __asm__ volatile(ENTER
                   "ldr r9, [r11, #8]\n"
                   "add r12, r9, #16\n"
                   "vldrw.32 q6, [r12], #16\n"
                   "vldrw.32 q7, [r12], #16\n"
                   LOAD_WEIGHTS
                   "ldr r12, [r11, #44]\n"
                   "ldrd r5, r1, [r11]\n"
                   "ldr lr, [r11, #16]\n"
                   "dls lr, lr\n"
                   "3:\n"
                   "vctp.8 r7\n"
                   "vpst\n"
                   "vldrbt.8 q4, [r5]\n"
                   SUMS HALVES_AWAY_FROM_ZERO CLAMP
                   "vctp.32 r12\n"
                   "vpst\n"
                   "vstrbt.32 q4, [r1]\n"
                   "add r1, r1, r3\n"
                   "le lr, 3b\n"
                   LEAVE);
}

void midge_lanes_short_conv_s8(const midge_conv_2d_lanes_s8_params *params, const int8_t *window, int32_t pixel_step,
                               int32_t pixels, int8_t *output) {
  const int32_t channels = params->window.output_channels;
  frame job;
  job.pixel_step = pixel_step;
  job.output_step = channels;
  job.length = params->run_length;
  job.zero_point = params->output_zero_point;
  job.low = params->activation_min;
  job.high = params->activation_max;
  job.channels = channels % 4;
  for (int32_t done = 0; done < pixels; done += TOGETHER) {
    job.window = window + (ptrdiff_t)done * pixel_step;
    job.output = output + (ptrdiff_t)done * channels;
    job.pixels = pixels - done < TOGETHER ? pixels - done : TOGETHER;
    job.blocks = params->blocks;
    job.count = channels / 4;
    if (job.count > 0) {
      if (job.low > INT8_MIN || job.high < INT8_MAX) {
        convolve_clamped(&job);
      } else if (job.zero_point > INT8_MIN) {
        convolve_linear(&job);
      } else {
        convolve_relu(&job);
      }
    }
    if (job.channels > 0) {
      convolve_rest(&job);
    }
  }
}
