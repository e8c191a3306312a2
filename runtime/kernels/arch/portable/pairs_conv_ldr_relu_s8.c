#include "pairs.h"

void midge_pairs_conv_ldr_relu_s8(const midge_pairs_job *job) { midge_pairs_blocks(job, 2, midge_pairs_multiply); }
