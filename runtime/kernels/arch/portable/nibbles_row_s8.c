#include "packed.h"

void midge_nibbles_row_s8(const midge_pairs_job *job) { midge_packed_blocks(job, 1, 1, midge_packed_nibbles); }
