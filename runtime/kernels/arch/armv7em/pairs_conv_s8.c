#include "pairs_conv.h"

MIDGE_NAKED void midge_pairs_conv_s8(const midge_pairs_job *job) {
  __asm__ volatile(MIDGE_PAIRS_CONV(MIDGE_PAIRS_LDM, "4", 96, MIDGE_PAIRS_ROUNDING, MIDGE_PAIRS_CONV_SHIFT, MIDGE_PAIRS_KEEP_SIGN,
                                    MIDGE_PAIRS_CLAMP));
}
