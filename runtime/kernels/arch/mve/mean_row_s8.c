#include <arm_mve.h>
#include <stddef.h>

#include "inner_loops.h"
#include "mean_s8.h"

/* Sums of up to four elements next to each other. */
static int32x4_t sum_four(const midge_mean_s8_params *params, const int8_t *first, mve_pred16_t inside) {
  const int32_t *shape = params->reduced_shape;
  const int32_t *stride = params->reduced_stride;
  int32x4_t sum = vdupq_n_s32(0);

  for (int32_t i = 0; i < shape[0]; ++i) {
    for (int32_t j = 0; j < shape[1]; ++j) {
      const int8_t *element = first + i * stride[0] + j * stride[1];
      for (int32_t k = 0; k < shape[2]; ++k) {
        sum = vaddq_s32(sum, vldrbq_z_s32(element, inside));
        element += stride[2];
      }
    }
  }
  return sum;
}

/* The sum of elements that lie one behind the other along the innermost reduced axis. */
static int32_t sum_dense(const midge_mean_s8_params *params, const int8_t *first) {
  const int32_t *shape = params->reduced_shape;
  const int32_t *stride = params->reduced_stride;
  int32_t sum = 0;

  for (int32_t i = 0; i < shape[0]; ++i) {
    for (int32_t j = 0; j < shape[1]; ++j) {
      const int8_t *element = first + i * stride[0] + j * stride[1];
      for (int32_t k = 0; k < shape[2]; k += 16) {
        sum = vaddvaq_s8(sum, vldrbq_z_s8(element + k, vctp8q((uint32_t)(shape[2] - k))));
      }
    }
  }
  return sum;
}

void midge_mean_row_s8(const midge_mean_s8_params *params, const int8_t *first, int8_t *output) {
  const int32_t count = params->kept_shape[2];

  if (params->kept_stride[2] == 1 && count > 1) {
    for (int32_t k = 0; k < count; k += 4) {
      const int32_t together = count - k < 4 ? count - k : 4;
      int32_t sums[4];
      vstrwq_s32(sums, sum_four(params, first + k, vctp32q((uint32_t)together)));
      for (int32_t i = 0; i < together; ++i) {
        output[k + i] = midge_mean_of_sum(params, sums[i]);
      }
    }
    return;
  }
  for (int32_t k = 0; k < count; ++k) {
    const int8_t *element = first + k * params->kept_stride[2];
    const int32_t sum = params->reduced_stride[2] == 1 ? sum_dense(params, element) : midge_mean_sum(params, element);
    output[k] = midge_mean_of_sum(params, sum);
  }
}
