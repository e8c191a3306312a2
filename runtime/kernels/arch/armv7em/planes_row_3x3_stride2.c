#include "planes_row_3x3.h"

__attribute__((naked)) void midge_planes_row_3x3_stride2_s8(midge_planes_job *job) {
  __asm__ volatile(MIDGE_PLANES_ROW_STRIDE2(MIDGE_PLANES_ROW_FINISH_ONCE));
}

__attribute__((naked)) void midge_planes_row_3x3_stride2_exact_s8(midge_planes_job *job) {
  __asm__ volatile(MIDGE_PLANES_ROW_STRIDE2(MIDGE_PLANES_ROW_FINISH_EXACT));
}
