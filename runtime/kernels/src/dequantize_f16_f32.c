#include "memory_functions.h"
#include "midge/kernels.h"

/* Half: sign, 5 bits of exponent biased by 15, 10 of fraction; float: sign, 8 biased by 127, 23. */
static float from_half(uint32_t half) {
  const uint32_t sign = (half & 0x8000u) << 16;
  const uint32_t exponent = half >> 10 & 0x1fu;
  const uint32_t fraction = half & 0x3ffu;
  uint32_t bits;
  float result;
  if (exponent == 0) { /* zero or subnormal: fraction * 2^-24, exact in a float */
    result = (float)(int32_t)fraction * (1.0f / 16777216.0f);
    return sign != 0 ? -result : result;
  }
  bits = sign | (exponent == 31 ? 255u : exponent + 127 - 15) << 23 | fraction << 13;
  memcpy(&result, &bits, sizeof result);
  return result;
}

void midge_dequantize_f16_f32(const midge_dequantize_f16_f32_params *params, const uint16_t *input, float *output) {
  for (int32_t i = 0; i < params->elements; ++i) {
    output[i] = from_half(input[i]);
  }
}
