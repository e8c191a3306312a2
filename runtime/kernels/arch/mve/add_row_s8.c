#include <stddef.h>

#include "add_s8.h"
#include "inner_loops.h"

/* The operand with the greater scale has the factor 1/2, which is but a shift; it is `halved`. The sums are those of
 * add_s8.h. The assembly loads this as it lies. */
typedef struct {
  const int8_t *halved; /* r0 */
  const int8_t *other;  /* r1 */
  int8_t *output;       /* r2 */
  int32_t other_offset; /* r3: -zero point * 2^20 */
  int32_t other_multiplier;
  int32_t other_shift; /* r5: to the left */
  int32_t half;        /* r6: 2^19 */
  int32_t halved_offset; /* r7: -zero point * 2^19 */
  int32_t multiplier;
  int32_t shift; /* r9: to the left */
  int32_t zero_point;
  int32_t low;
  int32_t high;
  int32_t count;
} frame;

typedef char frame_has_14_words[sizeof(frame) == 56 ? 1 : -1];
typedef char count_lies_at_52[offsetof(frame, count) == 52 ? 1 : -1];

#define ENTER \
  ".syntax unified\n" \
  "push {r4-r11, lr}\n" \
  "vpush {d8-d11}\n" \
  "mov r11, r0\n" \
  "ldrd r1, r2, [r11, #44]\n" \
  "ldr lr, [r11, #52]\n" \
  "mov r3, #0x100000\n" \
  "vdup.32 q3, r1\n" \
  "vdup.32 q4, r2\n" \
  "vdup.32 q2, r3\n" \
  "ldm r11, {r0-r10}\n" \
  "dlstp.32 lr, lr\n" \
  "1:\n" \
  "vldrb.s32 q1, [r1], #4\n" \
  "vldrb.s32 q0, [r0], #4\n" \
  "vmlas.s32 q1, q2, r3\n" \
  "vqrdmulh.s32 q1, q1, r4\n"

#define HALVES_AWAY_FROM_ZERO \
  "vshr.s32 q5, q1, #31\n" \
  "vadd.i32 q1, q1, q5\n"

#define SHIFT_OTHER HALVES_AWAY_FROM_ZERO "vrshl.s32 q1, r5\n"

#define SUM \
  "vmla.s32 q1, q0, r6\n" \
  "vadd.i32 q1, q1, r7\n" \
  "vqrdmulh.s32 q1, q1, r8\n"

#define FINISH \
  "vrshl.s32 q1, r9\n" \
  "vadd.i32 q1, q1, r10\n" \
  "vmax.s32 q1, q1, q3\n" \
  "vmin.s32 q1, q1, q4\n" \
  "vstrb.32 q1, [r2], #4\n" \
  "letp lr, 1b\n" \
  "vpop {d8-d11}\n" \
  "pop {r4-r11, pc}\n"

__attribute__((naked, noinline)) static void add(frame *job __attribute__((unused))) {
  __asm__ volatile(ENTER SHIFT_OTHER SUM HALVES_AWAY_FROM_ZERO FINISH);
}

/* For an output range above the zero point: negative sums do not show. */
__attribute__((naked, noinline)) static void add_relu(frame *job __attribute__((unused))) {
  __asm__ volatile(ENTER SHIFT_OTHER SUM FINISH);
}

/* For two operands of nearly the same scale. */
__attribute__((naked, noinline)) static void add_alike(frame *job __attribute__((unused))) {
  __asm__ volatile(ENTER SUM HALVES_AWAY_FROM_ZERO FINISH);
}

static void add_one_by_one(const midge_add_s8_params *params, const int8_t *row1, const int8_t *row2, int8_t *output) {
  const ptrdiff_t step1 = params->broadcast.input1_stride[MIDGE_MAX_RANK - 1];
  const ptrdiff_t step2 = params->broadcast.input2_stride[MIDGE_MAX_RANK - 1];
  const midge_sum sum = midge_make_sum(params);

  for (int32_t i = 0; i < params->broadcast.shape[MIDGE_MAX_RANK - 1]; ++i) {
    output[i] = midge_sum_result(&sum, midge_operand1(&sum, *row1) + midge_operand2(&sum, *row2));
    row1 += step1;
    row2 += step2;
  }
}

static int is_half(int32_t multiplier, int32_t shift) { return multiplier == 1 << 30 && shift == 0; }

void midge_add_row_s8(const midge_add_s8_params *params, const int8_t *row1, const int8_t *row2, int8_t *output) {
  const midge_broadcast *broadcast = &params->broadcast;
  const int dense = broadcast->input1_stride[MIDGE_MAX_RANK - 1] == 1 && broadcast->input2_stride[MIDGE_MAX_RANK - 1] == 1;
  const int first = is_half(params->input1_multiplier, params->input1_shift);
  const int second = is_half(params->input2_multiplier, params->input2_shift);
  frame job;

  if (!dense || !(first || second) || params->output_shift == 0) {
    add_one_by_one(params, row1, row2, output);
    return;
  }
  job.halved = first ? row1 : row2;
  job.halved_offset = -(first ? params->input1_zero_point : params->input2_zero_point) * (1 << 19);
  job.other = first ? row2 : row1;
  job.other_offset = -(first ? params->input2_zero_point : params->input1_zero_point) * (1 << 20);
  job.other_multiplier = first ? params->input2_multiplier : params->input1_multiplier;
  job.other_shift = first ? params->input2_shift : params->input1_shift;
  job.output = output;
  job.half = 1 << 19;
  job.multiplier = params->output_multiplier;
  job.shift = params->output_shift;
  job.zero_point = params->output_zero_point;
  job.low = params->activation_min;
  job.high = params->activation_max;
  job.count = broadcast->shape[MIDGE_MAX_RANK - 1];
  if (job.other_shift == 0) {
    add_alike(&job);
  } else if (job.low >= job.zero_point) {
    add_relu(&job);
  } else {
    add(&job);
  }
}
