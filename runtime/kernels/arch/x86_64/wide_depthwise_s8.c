#include "inner_loops.h"
#include "wide_s8.h"

enum { BLOCK = 8 };

static int32_t channels_left(const midge_depthwise_conv_2d_wide_s8_params *params, int32_t channel) {
  const int32_t left = params->window.output_channels - channel;
  return left < BLOCK ? left : BLOCK;
}

/* Elements of eight channels at two taps, alternating, as the weights do: channels 0 to 3 and 4 to 7. */
typedef struct {
  __m128i low;
  __m128i high;
} tap_pair;

static inline tap_pair load_taps(const int16_t *window, const int32_t *offsets) {
  const __m128i first = _mm_loadu_si128((const __m128i *)(const void *)(window + offsets[0]));
  const __m128i second = _mm_loadu_si128((const __m128i *)(const void *)(window + offsets[1]));
  const tap_pair pair = {_mm_unpacklo_epi16(first, second), _mm_unpackhi_epi16(first, second)};
  return pair;
}

/* ---- AVX2 ---- */

MIDGE_AVX2 static inline __m256i sum_taps(const midge_depthwise_conv_2d_wide_s8_params *params, const int16_t *weights,
                                          const int16_t *window) {
  __m256i sum = _mm256_setzero_si256();
  for (int32_t tap = 0; tap < params->taps; tap += 2) {
    const tap_pair pair = load_taps(window, params->tap_offsets + tap);
    const __m256i x = _mm256_inserti128_si256(_mm256_castsi128_si256(pair.low), pair.high, 1);
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x, _mm256_loadu_si256((const __m256i *)(const void *)weights)));
    weights += 2 * BLOCK;
  }
  return sum;
}

MIDGE_AVX2 static void with_avx2(const midge_depthwise_conv_2d_wide_s8_params *params, const int16_t *window,
                                 int32_t pixel_stride, int32_t pixels, int8_t *output) {
  const int32_t channels = params->window.output_channels;

  for (int32_t channel = 0; channel < channels; channel += BLOCK) {
    const int32_t count = channels_left(params, channel);
    const int16_t *weights = params->weights + (ptrdiff_t)channel * params->taps;
    const midge_block_avx2 block =
        midge_load_block(params->bias, params->multiplier, params->shift, params->factor_step, channel,
                         params->output_zero_point, params->activation_min, params->activation_max);
    for (int32_t pixel = 0; pixel < pixels; ++pixel) {
      const __m256i sum = sum_taps(params, weights, window + (ptrdiff_t)pixel * pixel_stride + channel);
      midge_store_block(output + (ptrdiff_t)pixel * channels + channel, midge_finish_block(&block, sum), count);
    }
  }
}

/* ---- SSE2, which every x86-64 has ---- */

static void with_sse2(const midge_depthwise_conv_2d_wide_s8_params *params, const int16_t *window,
                      int32_t pixel_stride, int32_t pixels, int8_t *output) {
  const int32_t channels = params->window.output_channels;

  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    for (int32_t channel = 0; channel < channels; channel += BLOCK) {
      const int16_t *weights = params->weights + (ptrdiff_t)channel * params->taps;
      __m128i sum0 = _mm_setzero_si128();
      __m128i sum1 = sum0;
      for (int32_t tap = 0; tap < params->taps; tap += 2) {
        const tap_pair pair = load_taps(window + channel, params->tap_offsets + tap);
        const __m128i *w = (const __m128i *)(const void *)weights;
        sum0 = _mm_add_epi32(sum0, _mm_madd_epi16(pair.low, _mm_loadu_si128(w)));
        sum1 = _mm_add_epi32(sum1, _mm_madd_epi16(pair.high, _mm_loadu_si128(w + 1)));
        weights += 2 * BLOCK;
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

void midge_wide_depthwise_s8(const midge_depthwise_conv_2d_wide_s8_params *params, const int16_t *window,
                             int32_t pixel_stride, int32_t pixels, int8_t *output) {
  if (__builtin_cpu_supports("avx2")) {
    with_avx2(params, window, pixel_stride, pixels, output);
  } else {
    with_sse2(params, window, pixel_stride, pixels, output);
  }
}
