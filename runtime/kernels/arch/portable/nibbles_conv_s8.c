#include "packed.h"

void midge_nibbles_conv_s8(const midge_pairs_job *job) { midge_packed_blocks(job, 2, 1, midge_packed_nibbles); }
