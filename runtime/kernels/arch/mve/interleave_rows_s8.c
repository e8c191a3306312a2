#include <arm_mve.h>
#include <stddef.h>

#include "inner_loops.h"

void midge_interleave_rows_s8(const int8_t *const rows[4], int32_t groups, int32_t advance, int32_t rest,
                              int32_t zero_point, int8_t *words) {
  int8_t border[16];
  const int8_t *row0 = rows[0] != NULL ? rows[0] : border;
  const int8_t *row1 = rows[1] != NULL ? rows[1] : border;
  const int8_t *row2 = rows[2] != NULL ? rows[2] : border;
  const int8_t *row3 = rows[3] != NULL ? rows[3] : border;
  const int whole = row0 != border && row1 != border && row2 != border && row3 != border;

  if (whole && advance == 16) {
    __asm__ volatile(
        "wls lr, %[groups], 2f\n"
        "1:\n"
        "vldrb.8 q0, [%[row0]], #16\n"
        "vldrb.8 q1, [%[row1]], #16\n"
        "vldrb.8 q2, [%[row2]], #16\n"
        "vldrb.8 q3, [%[row3]], #16\n"
        "vst40.8 {q0, q1, q2, q3}, [%[words]]\n"
        "vst41.8 {q0, q1, q2, q3}, [%[words]]\n"
        "vst42.8 {q0, q1, q2, q3}, [%[words]]\n"
        "vst43.8 {q0, q1, q2, q3}, [%[words]]!\n"
        "le lr, 1b\n"
        "2:\n"
        : [row0] "+r"(row0), [row1] "+r"(row1), [row2] "+r"(row2), [row3] "+r"(row3), [words] "+r"(words)
        : [groups] "r"(groups)
        : "lr", "q0", "q1", "q2", "q3", "memory", "cc");
  } else {
    const int32_t step0 = row0 != border ? advance : 0;
    const int32_t step1 = row1 != border ? advance : 0;
    const int32_t step2 = row2 != border ? advance : 0;
    const int32_t step3 = row3 != border ? advance : 0;
    vst1q_s8(border, vdupq_n_s8((int8_t)zero_point));
    __asm__ volatile(
        "wls lr, %[groups], 2f\n"
        "1:\n"
        "vldrb.8 q0, [%[row0]]\n"
        "vldrb.8 q1, [%[row1]]\n"
        "vldrb.8 q2, [%[row2]]\n"
        "vldrb.8 q3, [%[row3]]\n"
        "add %[row0], %[row0], %[step0]\n"
        "add %[row1], %[row1], %[step1]\n"
        "add %[row2], %[row2], %[step2]\n"
        "add %[row3], %[row3], %[step3]\n"
        "vst40.8 {q0, q1, q2, q3}, [%[words]]\n"
        "vst41.8 {q0, q1, q2, q3}, [%[words]]\n"
        "vst42.8 {q0, q1, q2, q3}, [%[words]]\n"
        "vst43.8 {q0, q1, q2, q3}, [%[words]]!\n"
        "le lr, 1b\n"
        "2:\n"
        : [row0] "+r"(row0), [row1] "+r"(row1), [row2] "+r"(row2), [row3] "+r"(row3), [words] "+r"(words)
        : [groups] "r"(groups), [step0] "r"(step0), [step1] "r"(step1), [step2] "r"(step2), [step3] "r"(step3)
        : "lr", "q0", "q1", "q2", "q3", "memory", "cc");
  }
  if (rest > 0) {
    const mve_pred16_t inside = vctp8q((uint32_t)rest);
    int8x16x4_t last;
    last.val[0] = vld1q_z_s8(row0, inside);
    last.val[1] = vld1q_z_s8(row1, inside);
    last.val[2] = vld1q_z_s8(row2, inside);
    last.val[3] = vld1q_z_s8(row3, inside);
    vst4q_s8(words, last);
  }
}
