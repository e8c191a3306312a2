#include "add_s8.h"
#include "clamp_s8.h"
#include "scale_s8.h"

/* One operand has the factor 1/2, which is exact: it only moves to its place. */
typedef struct {
  const int8_t *halved;
  ptrdiff_t halved_step;
  int32_t halved_zero_point;
  const int8_t *scaled;
  ptrdiff_t scaled_step;
  int32_t scaled_zero_point;
  midge_fraction factor; /* of the scaled one */
} operands;

static inline void add_row(const midge_add_s8_params *params, const operands *of, ptrdiff_t halved_step,
                           ptrdiff_t scaled_step, int8_t *output) {
  const int8_t *const end = output + params->broadcast.shape[MIDGE_MAX_RANK - 1];
  const int8_t *halved = of->halved;
  const int8_t *scaled = of->scaled;
  const int32_t twice_halved = midge_opaque(-of->halved_zero_point * (1 << 20));
  const int32_t twice_scaled = midge_opaque(-of->scaled_zero_point * (1 << 21));
  const int32_t multiplier = of->factor.multiplier;
  const int32_t half = of->factor.half;
  const int32_t right = of->factor.right;
  const int32_t output_multiplier = params->output_multiplier;
  const int32_t output_right = -params->output_shift;
  const int32_t addend = midge_scale_addend(params->output_zero_point, output_right);

  while (output < end) {
    const int32_t exact = twice_halved + *halved * (1 << 20);
    const int32_t twice = exact + 2 * midge_scale(twice_scaled + *scaled * (1 << 21), multiplier, half, right);
    *output++ = (int8_t)midge_saturate_s8(midge_scale(twice, output_multiplier, addend, output_right));
    halved += halved_step;
    scaled += scaled_step;
  }
}

/* The reference's way, for what the above does not cover. */
static void add_any(const midge_add_s8_params *params, const int8_t *row1, ptrdiff_t step1, const int8_t *row2,
                    ptrdiff_t step2, int8_t *output) {
  const midge_sum sum = midge_make_sum(params);

  for (int32_t i = 0; i < params->broadcast.shape[MIDGE_MAX_RANK - 1]; ++i) {
    output[i] = midge_sum_result(&sum, midge_operand1(&sum, row1[i * step1]) + midge_operand2(&sum, row2[i * step2]));
  }
}

static inline int is_half(int32_t multiplier, int32_t shift) { return multiplier == 1 << 30 && shift == 0; }

/* Without any shift halves are not rounded away from zero. */
static inline int is_covered(int32_t shift) { return shift < 0 && shift >= -MIDGE_SCALE_MOST; }

void midge_add_row_s8(const midge_add_s8_params *params, const int8_t *row1, const int8_t *row2, int8_t *output) {
  const ptrdiff_t step1 = params->broadcast.input1_stride[MIDGE_MAX_RANK - 1];
  const ptrdiff_t step2 = params->broadcast.input2_stride[MIDGE_MAX_RANK - 1];
  const int is_first = is_half(params->input1_multiplier, params->input1_shift);
  const int is_second = is_half(params->input2_multiplier, params->input2_shift);
  const midge_fraction factor1 = midge_make_fraction(params->input1_multiplier, params->input1_shift);
  const midge_fraction factor2 = midge_make_fraction(params->input2_multiplier, params->input2_shift);
  const operands of[2] = {
      {row1, step1, params->input1_zero_point, row2, step2, params->input2_zero_point, factor2},
      {row2, step2, params->input2_zero_point, row1, step1, params->input1_zero_point, factor1},
  };
  const operands *chosen = is_first ? &of[0] : &of[1];

  if (!(is_first || is_second) || chosen->factor.right < 1 || chosen->factor.right > MIDGE_SCALE_MOST ||
      !is_covered(params->output_shift)) {
    add_any(params, row1, step1, row2, step2, output);
    return;
  }
  if (step1 == 1 && step2 == 1) {
    add_row(params, chosen, 1, 1, output);
  } else {
    add_row(params, chosen, chosen->halved_step, chosen->scaled_step, output);
  }
  midge_clamp_tensor(output, params->broadcast.shape[MIDGE_MAX_RANK - 1], params->activation_min,
                     params->activation_max);
}
