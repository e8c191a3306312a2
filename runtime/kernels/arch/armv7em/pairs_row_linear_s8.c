#include "pairs_row.h"

MIDGE_NAKED void midge_pairs_row_linear_s8(const midge_pairs_job *job) {
  __asm__ volatile(MIDGE_PAIRS_ROW("16", MIDGE_PAIRS_PLAIN, MIDGE_PAIRS_ROW_MULTIPLY, MIDGE_PAIRS_KEEP_SIGN,
                                    MIDGE_PAIRS_SATURATE));
}
