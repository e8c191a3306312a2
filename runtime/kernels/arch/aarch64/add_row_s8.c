#include "add_s8.h"
#include "block_s8.h"
#include "inner_loops.h"

/* midge_times_fraction on four lanes. */
static int32x4_t times_fraction(int32x4_t x, midge_fraction fraction) {
  return midge_divide(vqrdmulhq_s32(x, vdupq_n_s32(fraction.multiplier)), vdupq_n_s32(-fraction.right));
}

/* Four operands without their zero point, on the common scale: 20 fractional bits, six of which fit into int16. */
static int32x4_t scaled(int16x4_t x, midge_fraction factor) {
  return times_fraction(vshll_n_s16(vshl_n_s16(x, 6), 14), factor);
}

static int16x8_t centred(const int8_t *row, int32_t zero_point) {
  return vsubl_s8(vld1_s8(row), vdup_n_s8((int8_t)zero_point));
}

/* Two dense rows, as far as whole blocks of eight reach; returns how far that is. */
static int32_t add_blocks(const midge_sum *sum, const int8_t *row1, const int8_t *row2, int32_t count,
                          int8_t *output) {
  const int32x4_t zero_point = vdupq_n_s32(sum->output_zero_point);
  const int8x8_t low = vdup_n_s8((int8_t)sum->low);
  const int8x8_t high = vdup_n_s8((int8_t)sum->high);
  int32_t i = 0;

  for (; i + 8 <= count; i += 8) {
    const int16x8_t x1 = centred(row1 + i, sum->zero_point1);
    const int16x8_t x2 = centred(row2 + i, sum->zero_point2);
    const int32x4_t total0 = vaddq_s32(scaled(vget_low_s16(x1), sum->factor1), scaled(vget_low_s16(x2), sum->factor2));
    const int32x4_t total1 =
        vaddq_s32(scaled(vget_high_s16(x1), sum->factor1), scaled(vget_high_s16(x2), sum->factor2));
    const int32x4_t result0 = vaddq_s32(times_fraction(total0, sum->output_factor), zero_point);
    const int32x4_t result1 = vaddq_s32(times_fraction(total1, sum->output_factor), zero_point);
    const int8x8_t bytes = vqmovn_s16(vcombine_s16(vqmovn_s32(result0), vqmovn_s32(result1)));
    vst1_s8(output + i, vmin_s8(vmax_s8(bytes, low), high));
  }
  return i;
}

void midge_add_row_s8(const midge_add_s8_params *params, const int8_t *row1, const int8_t *row2, int8_t *output) {
  const int32_t count = params->broadcast.shape[MIDGE_MAX_RANK - 1];
  const ptrdiff_t step1 = params->broadcast.input1_stride[MIDGE_MAX_RANK - 1];
  const ptrdiff_t step2 = params->broadcast.input2_stride[MIDGE_MAX_RANK - 1];
  const midge_sum sum = midge_make_sum(params);
  int32_t i = 0;

  if (step1 == 1 && step2 == 1) {
    i = add_blocks(&sum, row1, row2, count, output);
  }
  for (; i < count; ++i) {
    output[i] = midge_sum_result(&sum, midge_operand1(&sum, row1[i * step1]) + midge_operand2(&sum, row2[i * step2]));
  }
}
