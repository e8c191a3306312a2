#include <stddef.h>

#include "clamp_f32.h"
#include "inner_loops.h"
#include "memory_functions.h"
#include "midge/kernels.h"
#include "requantize.h"
#include "window.h"

/* A quantized image: value = scale * (stored - zero_point). */
typedef struct {
  float scale;
  int32_t zero_point;
} image_scale;

/* Halves away from zero; single precision throughout, as LiteRT computes it. */
static float round_half_away(float x) { return x < 0.0f ? x - 0.5f : x + 0.5f; }

/* Rounds, adds the zero point and clamps to [low, 127]; NaN becomes the lower bound. */
static int8_t quantize(float x, int32_t zero_point, int32_t low) {
  const float rounded = round_half_away(x);
  if (!(rounded > (float)(low - zero_point))) {
    return (int8_t)low;
  }
  return rounded >= (float)(127 - zero_point) ? INT8_MAX : (int8_t)((int32_t)rounded + zero_point);
}

/* The zero point whose error is the smaller one: derived from the range's lower or its upper end. */
static int32_t choose_zero_point(float low, float high, float scale) {
  const float from_low = -128.0f - low / scale;
  const float from_high = 127.0f - high / scale;
  const float error_low = 128.0f - low / scale;
  const float error_high = 127.0f + high / scale;
  const float exact = error_low < error_high ? from_low : from_high;
  if (!(exact > -128.0f)) {
    return -128;
  }
  return exact >= 127.0f ? 127 : (int32_t)round_half_away(exact);
}

static image_scale quantize_image(const float *image, int32_t count, int32_t symmetric, int8_t *quantized) {
  image_scale result = {1.0f, 0};
  float low = 0.0f;
  float high = 0.0f;

  for (int32_t i = 0; i < count; ++i) {
    low = image[i] < low ? image[i] : low;
    high = image[i] > high ? image[i] : high;
  }
  if (low == high) {
    memset(quantized, 0, (size_t)count);
    return result;
  }
  if (symmetric) {
    const float range = -low > high ? -low : high;
    const float inverse = 127.0f / range;
    result.scale = range / 127.0f;
    for (int32_t i = 0; i < count; ++i) {
      quantized[i] = quantize(image[i] * inverse, 0, -127);
    }
    return result;
  }
  result.scale = (high - low) / 255.0f;
  result.zero_point = choose_zero_point(low, high, result.scale);
  const float inverse = 1.0f / result.scale;
  for (int32_t i = 0; i < count; ++i) {
    quantized[i] = quantize(image[i] * inverse, result.zero_point, -128);
  }
  return result;
}

static float finish(const midge_conv_2d_dynamic_f32_params *params, image_scale scale, int32_t channel, int32_t sum) {
  const int32_t centred = midge_sub_wrap(sum, midge_mul_wrap(scale.zero_point, params->weight_sums[channel]));
  const float weight_scale = params->weight_scales[channel];
  const float value = params->scales_first ? (float)centred * (weight_scale * scale.scale)
                                           : (float)centred * weight_scale * scale.scale;
  return midge_clamp_f32(value + params->bias[channel], params->activation_min, params->activation_max);
}

/* All output channels of one group for one gathered window. */
static void convolve_group(const midge_conv_2d_dynamic_f32_params *params, image_scale scale, const int8_t *patch,
                           int32_t depth, int32_t group, int32_t group_channels, float *output) {
  const int8_t *weights = params->weights + (ptrdiff_t)group * group_channels * depth;
  int32_t channel = group * group_channels;
  const int32_t end = channel + group_channels;

  for (; channel + 4 <= end; channel += 4) {
    int32_t sum[4];
    midge_dot4_s8(patch, 1, depth, depth, weights, sum);
    for (int32_t i = 0; i < 4; ++i) {
      output[channel + i] = finish(params, scale, channel + i, sum[i]);
    }
    weights += (ptrdiff_t)4 * depth;
  }
  for (; channel < end; ++channel) {
    output[channel] = finish(params, scale, channel, midge_dot1_s8(patch, 1, depth, depth, weights));
    weights += depth;
  }
}

void midge_conv_2d_dynamic_f32(const midge_conv_2d_dynamic_f32_params *params, const float *input, float *output,
                               void *scratch) {
  const midge_window *window = &params->window;
  const int32_t image_size = window->input_height * window->input_width * window->input_channels;
  const int32_t groups = window->input_channels / params->filter_channels;
  const int32_t depth = window->filter_height * window->filter_width * params->filter_channels;
  int8_t *quantized = scratch;
  int8_t *patch = quantized + image_size;

  for (int32_t batch = 0; batch < window->batches; ++batch) {
    const image_scale scale = quantize_image(input, image_size, params->symmetric, quantized);
    for (int32_t row = 0; row < window->output_height; ++row) {
      const int32_t y = row * window->stride_height - window->padding_top;
      for (int32_t column = 0; column < window->output_width; ++column) {
        const int32_t x = column * window->stride_width - window->padding_left;
        for (int32_t group = 0; group < groups; ++group) {
          midge_gather_window(window, quantized, 1, y, x, group * params->filter_channels, params->filter_channels,
                              (int8_t)scale.zero_point, patch);
          convolve_group(params, scale, patch, depth, group, window->output_channels / groups, output);
        }
        output += window->output_channels;
      }
    }
    input += image_size;
  }
}
