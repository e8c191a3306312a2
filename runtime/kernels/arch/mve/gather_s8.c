#include <stddef.h>

#include "inner_loops.h"

/* Tail-predicated loops: 16 bytes a round, the last one as many as there are. */
static inline int8_t *copy_bytes(int8_t *target, const int8_t *source, int32_t count) {
  int8_t *end = target + count;
  __asm__ volatile(
      "wlstp.8 lr, %2, 1f\n"
      "2:\n"
      "vldrb.8 q0, [%1], #16\n"
      "vstrb.8 q0, [%0], #16\n"
      "letp lr, 2b\n"
      "1:\n"
      : "+r"(target), "+r"(source)
      : "r"(count)
      : "lr", "q0", "memory", "cc");
  return end;
}

static inline int8_t *fill_bytes(int8_t *target, int32_t value, int32_t count) {
  int8_t *end = target + count;
  __asm__ volatile(
      "vdup.8 q0, %1\n"
      "wlstp.8 lr, %2, 1f\n"
      "2:\n"
      "vstrb.8 q0, [%0], #16\n"
      "letp lr, 2b\n"
      "1:\n"
      : "+r"(target)
      : "r"(value), "r"(count)
      : "lr", "q0", "memory", "cc");
  return end;
}

/* Windows of `chunks` times 16 bytes, all of them less than 256 bytes from the first. */
static inline void gather_by_offsets(const int8_t *first, int32_t pixel_step, int32_t pixels, const uint8_t *offsets,
                                     int32_t chunks, int8_t *patches) {
  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    const uint8_t *places = offsets;
    __asm__ volatile(
        "dls lr, %[chunks]\n"
        "1:\n"
        "vldrb.8 q0, [%[places]], #16\n"
        "vldrb.u8 q1, [%[first], q0]\n"
        "vstrb.8 q1, [%[patches]], #16\n"
        "le lr, 1b\n"
        : [places] "+r"(places), [patches] "+r"(patches)
        : [first] "r"(first), [chunks] "r"(chunks)
        : "lr", "q0", "q1", "memory", "cc");
    first += pixel_step;
  }
}

/* One window of `runs` stretches of at most 16 bytes. */
static inline void gather_short_runs(const int8_t *first, int32_t runs, int32_t length, int32_t stride, int8_t *patch) {
  __asm__ volatile(
      "vctp.8 %[length]\n"
      "dls lr, %[runs]\n"
      "1:\n"
      "vpstt\n"
      "vldrbt.8 q0, [%[first]]\n"
      "vstrbt.8 q0, [%[patch]]\n"
      "add %[first], %[first], %[stride]\n"
      "add %[patch], %[patch], %[length]\n"
      "le lr, 1b\n"
      : [first] "+r"(first), [patch] "+r"(patch)
      : [runs] "r"(runs), [length] "r"(length), [stride] "r"(stride)
      : "lr", "q0", "memory", "cc");
}

void midge_gather_windows_s8(const midge_conv_2d_lanes_s8_params *params, const int8_t *first, int32_t pixel_step,
                             int32_t pixels, int8_t *patches) {
  const midge_window *window = &params->window;
  const int32_t length = window->filter_width * window->input_channels;
  const int32_t stride = window->dilation_height * window->input_width * window->input_channels;

  if (params->offsets != NULL) {
    gather_by_offsets(first, pixel_step, pixels, params->offsets, params->run_length / 16, patches);
    return;
  }
  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    if (length <= 16) {
      gather_short_runs(first, window->filter_height, length, stride, patches);
    } else {
      const int8_t *source = first;
      int8_t *target = patches;
      for (int32_t row = 0; row < window->filter_height; ++row) {
        target = copy_bytes(target, source, length);
        source += stride;
      }
    }
    first += pixel_step;
    patches += params->run_length;
  }
}

void midge_gather_clipped_s8(const midge_window *window, const int8_t *image, int32_t y, int32_t x, int32_t padding,
                             int8_t *patch) {
  const int32_t channels = window->input_channels;
  const int32_t row_bytes = window->input_width * channels;
  const int32_t length = window->filter_width * channels;
  const int32_t beyond = x + window->filter_width - window->input_width;
  const int32_t before_bytes = x < 0 ? -x * channels : 0;
  const int32_t left = before_bytes < length ? before_bytes : length;
  const int32_t beyond_bytes = beyond > 0 ? beyond * channels : 0;
  const int32_t right = beyond_bytes < length - left ? beyond_bytes : length - left;
  const int32_t middle = length - left - right;

  for (int32_t row = 0; row < window->filter_height; ++row) {
    const int32_t in_y = y + row * window->dilation_height;
    if (in_y < 0 || in_y >= window->input_height) {
      patch = fill_bytes(patch, padding, length);
      continue;
    }
    patch = fill_bytes(patch, padding, left);
    if (middle > 0) {
      patch = copy_bytes(patch, image + in_y * row_bytes + (x < 0 ? 0 : x) * channels, middle);
    }
    patch = fill_bytes(patch, padding, right);
  }
}
