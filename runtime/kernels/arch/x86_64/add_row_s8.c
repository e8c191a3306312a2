#include "add_s8.h"
#include "inner_loops.h"
#include "wide_s8.h"

/* midge_times_fraction on eight lanes. */
MIDGE_AVX2 static inline __m256i times_fraction(__m256i x, midge_fraction fraction) {
  const __m256i high = midge_doubling_high_mul_avx2(x, _mm256_set1_epi32(fraction.multiplier));
  const __m256i away = _mm256_and_si256(_mm256_srai_epi32(high, 31), _mm256_set1_epi32(fraction.negative));
  const __m256i nudged = _mm256_add_epi32(_mm256_add_epi32(high, _mm256_set1_epi32(fraction.half)), away);
  return _mm256_sra_epi32(nudged, _mm_cvtsi32_si128(fraction.right));
}

/* Eight operands on the common scale. */
MIDGE_AVX2 static inline __m256i operands(const int8_t *row, int32_t zero_point, midge_fraction factor) {
  const __m256i x = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)row));
  const __m256i centred = _mm256_sub_epi32(x, _mm256_set1_epi32(zero_point));
  return times_fraction(_mm256_slli_epi32(centred, 20), factor);
}

/* Two dense rows, as far as whole blocks of eight reach; returns how far that is. */
MIDGE_AVX2 static int32_t add_blocks(const midge_sum *sum, const int8_t *row1, const int8_t *row2, int32_t count,
                                     int8_t *output) {
  int32_t i = 0;

  for (; i + 8 <= count; i += 8) {
    const __m256i total = _mm256_add_epi32(operands(row1 + i, sum->zero_point1, sum->factor1),
                                           operands(row2 + i, sum->zero_point2, sum->factor2));
    const __m256i result =
        _mm256_add_epi32(times_fraction(total, sum->output_factor), _mm256_set1_epi32(sum->output_zero_point));
    const __m256i raised = _mm256_max_epi32(result, _mm256_set1_epi32(sum->low));
    midge_store_block(output + i, _mm256_min_epi32(raised, _mm256_set1_epi32(sum->high)), 8);
  }
  return i;
}

void midge_add_row_s8(const midge_add_s8_params *params, const int8_t *row1, const int8_t *row2, int8_t *output) {
  const int32_t count = params->broadcast.shape[MIDGE_MAX_RANK - 1];
  const ptrdiff_t step1 = params->broadcast.input1_stride[MIDGE_MAX_RANK - 1];
  const ptrdiff_t step2 = params->broadcast.input2_stride[MIDGE_MAX_RANK - 1];
  const midge_sum sum = midge_make_sum(params);
  int32_t i = 0;

  if (step1 == 1 && step2 == 1 && __builtin_cpu_supports("avx2")) {
    i = add_blocks(&sum, row1, row2, count, output);
  }
  for (; i < count; ++i) {
    output[i] = midge_sum_result(&sum, midge_operand1(&sum, row1[i * step1]) + midge_operand2(&sum, row2[i * step2]));
  }
}
