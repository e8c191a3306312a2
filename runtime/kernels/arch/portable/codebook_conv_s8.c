#include "packed.h"

void midge_codebook_conv_s8(const midge_pairs_job *job) { midge_packed_blocks(job, 2, 4, midge_packed_codes); }
