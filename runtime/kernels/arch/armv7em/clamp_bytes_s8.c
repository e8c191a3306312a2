#include "inner_loops.h"
#include "memory_functions.h"
#include "requantize.h"

void midge_clamp_bytes_s8(int8_t *bytes, int32_t count, int32_t low, int32_t high) {
  const uint32_t least = (uint32_t)(uint8_t)low * 0x01010101U;
  const uint32_t most = (uint32_t)(uint8_t)high * 0x01010101U;
  int32_t i = 0;

  for (; i <= count - 4; i += 4) {
    uint32_t word;
    uint32_t unused;
    memcpy(&word, bytes + i, sizeof word);
    /* A difference sets a flag per byte where it is not negative, by which bytes are selected. */
    __asm__("ssub8 %1, %0, %2\n"
            "sel %0, %0, %2\n"
            "ssub8 %1, %3, %0\n"
            "sel %0, %0, %3\n"
            : "+r"(word), "=&r"(unused)
            : "r"(least), "r"(most)
            : "cc");
    memcpy(bytes + i, &word, sizeof word);
  }
  for (; i < count; ++i) {
    bytes[i] = (int8_t)midge_clamp(bytes[i], low, high);
  }
}
