#include "pairs.h"

void midge_pairs_row_relu_s8(const midge_pairs_job *job) { midge_pairs_blocks(job, 1, midge_pairs_multiply); }
