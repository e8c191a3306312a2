#include "block_s8.h"
#include "inner_loops.h"

#define WITH_DOT __attribute__((target("arch=armv8.2-a+dotprod")))

enum { BLOCK = 8, TILE = 4 };

/* PORTABILITY: Linux says whether the processor has dot products; those of other systems (Apple's) all do. */
#if defined(__linux__)
#include <sys/auxv.h>
static int has_dot_products(void) {
  const unsigned long hwcap_asimddp = 1UL << 20;
  return (getauxval(AT_HWCAP) & hwcap_asimddp) != 0;
}
#else
static int has_dot_products(void) { return 1; }
#endif

static int32x4_t four_bytes(const int8_t *bytes) {
  int32_t word;
  memcpy(&word, bytes, sizeof word);
  return vdupq_n_s32(word);
}

static midge_block load_block(const midge_conv_2d_dot_s8_params *params, int32_t channel) {
  return midge_load_block(params->bias, params->multiplier, params->shift, params->factor_step, channel,
                          params->output_zero_point, params->activation_min, params->activation_max);
}

static const int8_t *block_weights(const midge_conv_2d_dot_s8_params *params, int32_t channel) {
  return params->weights + (ptrdiff_t)channel * 4 * params->runs * params->run_quads;
}

/* ---- Dot products of four bytes, ARMv8.2 ---- */

/* Eight channels from `channel` on, four pixels at a time. */
WITH_DOT static void channels_with_dot(const midge_conv_2d_dot_s8_params *params, int32_t channel,
                                       const int8_t *window, int32_t pixel_stride, int32_t pixels, int8_t *output) {
  const int32_t channels = params->window.output_channels;
  const int32_t count = channels - channel;
  const midge_block block = load_block(params, channel);

  output += channel;
  for (int32_t pixel = 0; pixel < pixels; pixel += TILE) {
    /* Beyond the last pixel of the row the last one is computed again. */
    const int32_t last = pixels - 1 - pixel;
    const int8_t *x[TILE];
    int32x4_t sum0[TILE];
    int32x4_t sum1[TILE];
    const int8_t *weights = block_weights(params, channel);
    for (int32_t i = 0; i < TILE; ++i) {
      x[i] = window + (last < i ? last : i) * pixel_stride;
      sum0[i] = vdupq_n_s32(0);
      sum1[i] = vdupq_n_s32(0);
    }
    for (int32_t run = 0; run < params->runs; ++run) {
      const ptrdiff_t offset = params->run_offsets[run];
      for (int32_t quad = 0; quad < params->run_quads; ++quad) {
        const int8x16_t w0 = vld1q_s8(weights);
        const int8x16_t w1 = vld1q_s8(weights + 16);
        for (int32_t i = 0; i < TILE; ++i) {
          const int8x16_t bytes = vreinterpretq_s8_s32(four_bytes(x[i] + offset + 4 * quad));
          sum0[i] = vdotq_s32(sum0[i], w0, bytes);
          sum1[i] = vdotq_s32(sum1[i], w1, bytes);
        }
        weights += 32;
      }
    }
    for (int32_t i = 0; i < TILE && i <= last; ++i) {
      midge_store_block(&block, sum0[i], sum1[i], count, output + (ptrdiff_t)i * channels);
    }
    window += TILE * pixel_stride;
    output += TILE * channels;
  }
}

/* ---- What every AArch64 has ---- */

/* Two channels of a block, four bytes each, times the same four bytes of input: pairs of products, as int32. */
static int32x4_t add_products(int32x4_t sum, const int8_t *weights, int32x4_t bytes) {
  return vpadalq_s16(sum, vmull_s8(vld1_s8(weights), vget_low_s8(vreinterpretq_s8_s32(bytes))));
}

static void channels_without_dot(const midge_conv_2d_dot_s8_params *params, int32_t channel, const int8_t *window,
                                 int32_t pixel_stride, int32_t pixels, int8_t *output) {
  const int32_t channels = params->window.output_channels;
  const midge_block block = load_block(params, channel);

  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    const int8_t *weights = block_weights(params, channel);
    int32x4_t sum0 = vdupq_n_s32(0);
    int32x4_t sum1 = sum0;
    int32x4_t sum2 = sum0;
    int32x4_t sum3 = sum0;
    for (int32_t run = 0; run < params->runs; ++run) {
      const int8_t *x = window + params->run_offsets[run];
      for (int32_t quad = 0; quad < params->run_quads; ++quad) {
        const int32x4_t bytes = four_bytes(x + 4 * quad);
        sum0 = add_products(sum0, weights, bytes);
        sum1 = add_products(sum1, weights + 8, bytes);
        sum2 = add_products(sum2, weights + 16, bytes);
        sum3 = add_products(sum3, weights + 24, bytes);
        weights += 32;
      }
    }
    midge_store_block(&block, vpaddq_s32(sum0, sum1), vpaddq_s32(sum2, sum3), channels - channel, output + channel);
    window += pixel_stride;
    output += channels;
  }
}

void midge_dot_conv_s8(const midge_conv_2d_dot_s8_params *params, const int8_t *window, int32_t pixel_stride,
                       int32_t pixels, int8_t *output) {
  const int has_dot = has_dot_products();

  for (int32_t channel = 0; channel < params->window.output_channels; channel += BLOCK) {
    if (has_dot) {
      channels_with_dot(params, channel, window, pixel_stride, pixels, output);
    } else {
      channels_without_dot(params, channel, window, pixel_stride, pixels, output);
    }
  }
}
