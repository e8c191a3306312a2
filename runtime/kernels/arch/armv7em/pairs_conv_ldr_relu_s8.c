#include "pairs_conv.h"

MIDGE_NAKED void midge_pairs_conv_ldr_relu_s8(const midge_pairs_job *job) {
  __asm__ volatile(MIDGE_PAIRS_CONV(MIDGE_PAIRS_LDR, "16", 112, MIDGE_PAIRS_PLAIN, MIDGE_PAIRS_CONV_MULTIPLY, MIDGE_PAIRS_LOSE_SIGN,
                                    MIDGE_PAIRS_SATURATE));
}
