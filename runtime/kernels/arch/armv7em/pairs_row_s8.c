#include "pairs_row.h"

MIDGE_NAKED void midge_pairs_row_s8(const midge_pairs_job *job) {
  __asm__ volatile(MIDGE_PAIRS_ROW("4", MIDGE_PAIRS_ROUNDING, MIDGE_PAIRS_ROW_SHIFT, MIDGE_PAIRS_KEEP_SIGN,
                                    MIDGE_PAIRS_CLAMP));
}
