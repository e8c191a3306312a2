#include <stddef.h>

#include "inner_loops.h"
#include "memory_functions.h"
#include "requantize.h"

/* The greater bytes of two words: SSUB8 notes for each byte which one it is, SEL takes it. */
static inline uint32_t greater_bytes(uint32_t a, uint32_t b) {
  uint32_t difference;
  __asm__("ssub8 %1, %2, %0\n\tsel %0, %2, %0" : "+r"(a), "=&r"(difference) : "r"(b) : "cc");
  return a;
}

void midge_max_window_s8(const midge_max_pool_2d_s8_params *params, const int8_t *first, int32_t rows, int32_t columns,
                         int8_t *output) {
  const int32_t channels = params->window.input_channels;
  const ptrdiff_t row_stride = (ptrdiff_t)params->window.input_width * channels;
  const uint32_t low = (uint32_t)(uint8_t)params->activation_min * 0x01010101u;
  int32_t channel = 0;

  for (; channel + 4 <= channels; channel += 4) {
    const int8_t *row = first + channel;
    uint32_t greatest = low;
    for (int32_t y = 0; y < rows; ++y) {
      const int8_t *pixel = row;
      for (int32_t x = 0; x < columns; ++x) {
        uint32_t word;
        memcpy(&word, pixel, sizeof word);
        greatest = greater_bytes(greatest, word);
        pixel += channels;
      }
      row += row_stride;
    }
    for (int32_t i = 0; i < 4; ++i) {
      const int32_t value = (int8_t)(greatest >> (8 * i));
      output[channel + i] = (int8_t)(value > params->activation_max ? params->activation_max : value);
    }
  }
  for (; channel < channels; ++channel) {
    int32_t greatest = INT8_MIN;
    for (int32_t y = 0; y < rows; ++y) {
      const int8_t *pixel = first + y * row_stride + channel;
      for (int32_t x = 0; x < columns; ++x) {
        greatest = *pixel > greatest ? *pixel : greatest;
        pixel += channels;
      }
    }
    output[channel] = (int8_t)midge_clamp(greatest, params->activation_min, params->activation_max);
  }
}
