#include "pairs_conv.h"

MIDGE_NAKED void midge_pairs_conv_linear_s8(const midge_pairs_job *job) {
  __asm__ volatile(MIDGE_PAIRS_CONV(MIDGE_PAIRS_LDM, "16", 96, MIDGE_PAIRS_PLAIN, MIDGE_PAIRS_CONV_MULTIPLY, MIDGE_PAIRS_KEEP_SIGN,
                                    MIDGE_PAIRS_SATURATE));
}
