/* What the inner loops on int8 share on x86-64 with AVX2. */
#ifndef MIDGE_WIDE_S8_H
#define MIDGE_WIDE_S8_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "memory_functions.h"
#include "requantize.h"

#define MIDGE_AVX2 __attribute__((target("avx2")))

/* midge_doubling_high_mul on eight lanes. */
MIDGE_AVX2 static inline __m256i midge_doubling_high_mul_avx2(__m256i x, __m256i multiplier) {
  const __m256i half = _mm256_set1_epi64x((int64_t)1 << 30);
  const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(x, multiplier), half);
  const __m256i odd =
      _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(x, 32), _mm256_srli_epi64(multiplier, 32)), half);
  /* Bits 31 to 62 of each product: even ones move to the low half of their lane, odd ones to the high half. */
  return _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
}

/* How the sums of eight neighbouring channels become outputs. */
typedef struct {
  __m256i bias;
  __m256i multiplier;
  __m256i left;      /* bits to shift left before the multiplication */
  __m256i right;     /* bits to divide by after it */
  __m256i mask;      /* 2^right - 1 */
  __m256i threshold; /* mask / 2 */
  __m256i zero_point;
  __m256i low;
  __m256i high;
} midge_block_avx2;

/* Loads the block of channels that begins at `channel`. The arrays are padded to whole blocks. */
MIDGE_AVX2 static inline midge_block_avx2 midge_load_block(const int32_t *bias, const int32_t *multiplier,
                                                           const int32_t *shift, int32_t factor_step, int32_t channel,
                                                           int32_t zero_point, int32_t low, int32_t high) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i shifts = factor_step ? _mm256_loadu_si256((const __m256i *)(const void *)(shift + channel))
                                     : _mm256_set1_epi32(shift[0]);
  midge_block_avx2 block;
  block.bias = _mm256_loadu_si256((const __m256i *)(const void *)(bias + channel));
  block.multiplier = factor_step ? _mm256_loadu_si256((const __m256i *)(const void *)(multiplier + channel))
                                 : _mm256_set1_epi32(multiplier[0]);
  block.left = _mm256_max_epi32(shifts, zero);
  block.right = _mm256_sub_epi32(block.left, shifts);
  block.mask = _mm256_sub_epi32(_mm256_sllv_epi32(_mm256_set1_epi32(1), block.right), _mm256_set1_epi32(1));
  block.threshold = _mm256_srli_epi32(block.mask, 1);
  block.zero_point = _mm256_set1_epi32(zero_point);
  block.low = _mm256_set1_epi32(low);
  block.high = _mm256_set1_epi32(high);
  return block;
}

/* midge_requantize_s8 on eight channels, still as int32. */
MIDGE_AVX2 static inline __m256i midge_finish_block(const midge_block_avx2 *block, __m256i sum) {
  const __m256i x = _mm256_sllv_epi32(_mm256_add_epi32(sum, block->bias), block->left);
  const __m256i high = midge_doubling_high_mul_avx2(x, block->multiplier);
  const __m256i remainder = _mm256_and_si256(high, block->mask);
  const __m256i threshold = _mm256_sub_epi32(block->threshold, _mm256_srai_epi32(high, 31));
  const __m256i rounded =
      _mm256_sub_epi32(_mm256_srav_epi32(high, block->right), _mm256_cmpgt_epi32(remainder, threshold));
  const __m256i shifted = _mm256_add_epi32(rounded, block->zero_point);
  return _mm256_min_epi32(_mm256_max_epi32(shifted, block->low), block->high);
}

/* Stores eight int8 values, or the first `count` of them. */
MIDGE_AVX2 static inline void midge_store_block(int8_t *output, __m256i values, int32_t count) {
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
  const __m128i bytes = _mm_packs_epi16(words, words);
  if (count >= 8) {
    _mm_storel_epi64((__m128i *)(void *)output, bytes);
  } else {
    int8_t all[16];
    _mm_storeu_si128((__m128i *)(void *)all, bytes);
    memcpy(output, all, (size_t)count);
  }
}

/* Two neighbouring int16 elements in every 32-bit lane. */
MIDGE_AVX2 static inline __m256i midge_broadcast_pair(const int16_t *pair) {
  int32_t both;
  memcpy(&both, pair, sizeof both);
  return _mm256_set1_epi32(both);
}

#endif
