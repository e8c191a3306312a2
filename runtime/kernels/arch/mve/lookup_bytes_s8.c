#include "inner_loops.h"

void midge_lookup_bytes_s8(const int8_t *table, int32_t count, const uint8_t *input, int8_t *output) {
  __asm__ volatile(
      "wlstp.8 lr, %[count], 2f\n"
      "1:\n"
      "vldrb.8 q0, [%[input]], #16\n"
      "vldrb.u8 q1, [%[table], q0]\n"
      "vstrb.8 q1, [%[output]], #16\n"
      "letp lr, 1b\n"
      "2:\n"
      : [input] "+r"(input), [output] "+r"(output)
      : [table] "r"(table), [count] "r"(count)
      : "lr", "q0", "q1", "memory", "cc");
}
