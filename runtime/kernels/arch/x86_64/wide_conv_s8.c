#include "inner_loops.h"
#include "wide_s8.h"

enum { BLOCK = 8, TILE = 4 };

static int32_t channels_left(const midge_conv_2d_wide_s8_params *params, int32_t channel) {
  const int32_t left = params->window.output_channels - channel;
  return left < BLOCK ? left : BLOCK;
}

static const int16_t *block_weights(const midge_conv_2d_wide_s8_params *params, int32_t channel) {
  return params->weights + (ptrdiff_t)channel * 2 * params->runs * params->run_pairs;
}

/* ---- AVX2 ---- */

MIDGE_AVX2 static midge_block_avx2 load_block(const midge_conv_2d_wide_s8_params *params, int32_t channel) {
  return midge_load_block(params->bias, params->multiplier, params->shift, params->factor_step, channel,
                          params->output_zero_point, params->activation_min, params->activation_max);
}

/* Sixteen channels from `channel` on, four pixels at a time. */
MIDGE_AVX2 static void sixteen_channels(const midge_conv_2d_wide_s8_params *params, int32_t channel,
                                        const int16_t *window, int32_t pixel_stride, int32_t pixels, int8_t *output) {
  const int32_t channels = params->window.output_channels;
  const int32_t right = channels_left(params, channel + BLOCK);
  const midge_block_avx2 block0 = load_block(params, channel);
  const midge_block_avx2 block1 = load_block(params, channel + BLOCK);

  for (int32_t pixel = 0; pixel < pixels; pixel += TILE) {
    /* Beyond the last pixel of the row the last one is computed again. */
    const int32_t last = pixels - 1 - pixel;
    const int16_t *window1 = window + (last < 1 ? last : 1) * pixel_stride;
    const int16_t *window2 = window + (last < 2 ? last : 2) * pixel_stride;
    const int16_t *window3 = window + (last < 3 ? last : 3) * pixel_stride;
    const int16_t *weights0 = block_weights(params, channel);
    const int16_t *weights1 = block_weights(params, channel + BLOCK);
    __m256i sum00 = _mm256_setzero_si256();
    __m256i sum01 = sum00;
    __m256i sum10 = sum00;
    __m256i sum11 = sum00;
    __m256i sum20 = sum00;
    __m256i sum21 = sum00;
    __m256i sum30 = sum00;
    __m256i sum31 = sum00;

    for (int32_t run = 0; run < params->runs; ++run) {
      const ptrdiff_t offset = params->run_offsets[run];
      for (int32_t pair = 0; pair < params->run_pairs; ++pair) {
        const ptrdiff_t at = offset + 2 * pair;
        const __m256i w0 = _mm256_loadu_si256((const __m256i *)(const void *)weights0);
        const __m256i w1 = _mm256_loadu_si256((const __m256i *)(const void *)weights1);
        __m256i x = midge_broadcast_pair(window + at);
        sum00 = _mm256_add_epi32(sum00, _mm256_madd_epi16(x, w0));
        sum01 = _mm256_add_epi32(sum01, _mm256_madd_epi16(x, w1));
        x = midge_broadcast_pair(window1 + at);
        sum10 = _mm256_add_epi32(sum10, _mm256_madd_epi16(x, w0));
        sum11 = _mm256_add_epi32(sum11, _mm256_madd_epi16(x, w1));
        x = midge_broadcast_pair(window2 + at);
        sum20 = _mm256_add_epi32(sum20, _mm256_madd_epi16(x, w0));
        sum21 = _mm256_add_epi32(sum21, _mm256_madd_epi16(x, w1));
        x = midge_broadcast_pair(window3 + at);
        sum30 = _mm256_add_epi32(sum30, _mm256_madd_epi16(x, w0));
        sum31 = _mm256_add_epi32(sum31, _mm256_madd_epi16(x, w1));
        weights0 += 2 * BLOCK;
        weights1 += 2 * BLOCK;
      }
    }
    int8_t *first = output + (ptrdiff_t)pixel * channels + channel;
    const __m256i sums[TILE][2] = {{sum00, sum01}, {sum10, sum11}, {sum20, sum21}, {sum30, sum31}};
    for (int32_t i = 0; i < TILE && i <= last; ++i) {
      midge_store_block(first, midge_finish_block(&block0, sums[i][0]), BLOCK);
      midge_store_block(first + BLOCK, midge_finish_block(&block1, sums[i][1]), right);
      first += channels;
    }
    window += TILE * pixel_stride;
  }
}

/* The last eight channels or fewer, four pixels at a time. */
MIDGE_AVX2 static void eight_channels(const midge_conv_2d_wide_s8_params *params, int32_t channel,
                                      const int16_t *window, int32_t pixel_stride, int32_t pixels, int8_t *output) {
  const int32_t channels = params->window.output_channels;
  const int32_t count = channels_left(params, channel);
  const midge_block_avx2 block = load_block(params, channel);

  for (int32_t pixel = 0; pixel < pixels; pixel += TILE) {
    const int32_t last = pixels - 1 - pixel;
    const int16_t *window1 = window + (last < 1 ? last : 1) * pixel_stride;
    const int16_t *window2 = window + (last < 2 ? last : 2) * pixel_stride;
    const int16_t *window3 = window + (last < 3 ? last : 3) * pixel_stride;
    const int16_t *weights = block_weights(params, channel);
    __m256i sum0 = _mm256_setzero_si256();
    __m256i sum1 = sum0;
    __m256i sum2 = sum0;
    __m256i sum3 = sum0;

    for (int32_t run = 0; run < params->runs; ++run) {
      const ptrdiff_t offset = params->run_offsets[run];
      for (int32_t pair = 0; pair < params->run_pairs; ++pair) {
        const ptrdiff_t at = offset + 2 * pair;
        const __m256i w = _mm256_loadu_si256((const __m256i *)(const void *)weights);
        sum0 = _mm256_add_epi32(sum0, _mm256_madd_epi16(midge_broadcast_pair(window + at), w));
        sum1 = _mm256_add_epi32(sum1, _mm256_madd_epi16(midge_broadcast_pair(window1 + at), w));
        sum2 = _mm256_add_epi32(sum2, _mm256_madd_epi16(midge_broadcast_pair(window2 + at), w));
        sum3 = _mm256_add_epi32(sum3, _mm256_madd_epi16(midge_broadcast_pair(window3 + at), w));
        weights += 2 * BLOCK;
      }
    }
    int8_t *first = output + (ptrdiff_t)pixel * channels + channel;
    const __m256i sums[TILE] = {sum0, sum1, sum2, sum3};
    for (int32_t i = 0; i < TILE && i <= last; ++i) {
      midge_store_block(first, midge_finish_block(&block, sums[i]), count);
      first += channels;
    }
    window += TILE * pixel_stride;
  }
}

MIDGE_AVX2 static void with_avx2(const midge_conv_2d_wide_s8_params *params, const int16_t *window,
                                 int32_t pixel_stride, int32_t pixels, int8_t *output) {
  const int32_t channels = params->window.output_channels;
  int32_t channel = 0;

  for (; channel + BLOCK < channels; channel += 2 * BLOCK) {
    sixteen_channels(params, channel, window, pixel_stride, pixels, output);
  }
  if (channel < channels) {
    eight_channels(params, channel, window, pixel_stride, pixels, output);
  }
}

/* ---- SSE2, which every x86-64 has ---- */

static void with_sse2(const midge_conv_2d_wide_s8_params *params, const int16_t *window, int32_t pixel_stride,
                      int32_t pixels, int8_t *output) {
  const int32_t channels = params->window.output_channels;

  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    for (int32_t channel = 0; channel < channels; channel += BLOCK) {
      const int16_t *weights = block_weights(params, channel);
      __m128i sum0 = _mm_setzero_si128();
      __m128i sum1 = sum0;
      for (int32_t run = 0; run < params->runs; ++run) {
        const int16_t *pairs = window + params->run_offsets[run];
        for (int32_t pair = 0; pair < params->run_pairs; ++pair) {
          int32_t both;
          memcpy(&both, pairs + 2 * pair, sizeof both);
          const __m128i x = _mm_set1_epi32(both);
          const __m128i *w = (const __m128i *)(const void *)weights;
          sum0 = _mm_add_epi32(sum0, _mm_madd_epi16(x, _mm_loadu_si128(w)));
          sum1 = _mm_add_epi32(sum1, _mm_madd_epi16(x, _mm_loadu_si128(w + 1)));
          weights += 2 * BLOCK;
        }
      }
      int32_t sums[BLOCK];
      _mm_storeu_si128((__m128i *)(void *)sums, sum0);
      _mm_storeu_si128((__m128i *)(void *)(sums + 4), sum1);
      for (int32_t i = 0; i < channels_left(params, channel); ++i) {
        const int32_t factor = (channel + i) * params->factor_step;
        output[channel + i] = midge_requantize_s8(midge_add_wrap(sums[i], params->bias[channel + i]),
                                                  params->multiplier[factor], params->shift[factor],
                                                  params->output_zero_point, params->activation_min,
                                                  params->activation_max);
      }
    }
    window += pixel_stride;
    output += channels;
  }
}

void midge_wide_conv_s8(const midge_conv_2d_wide_s8_params *params, const int16_t *window, int32_t pixel_stride,
                        int32_t pixels, int8_t *output) {
  if (__builtin_cpu_supports("avx2")) {
    with_avx2(params, window, pixel_stride, pixels, output);
  } else {
    with_sse2(params, window, pixel_stride, pixels, output);
  }
}
