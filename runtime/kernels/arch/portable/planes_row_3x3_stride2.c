#include "planes_loops.h"

void midge_planes_row_3x3_stride2_s8(midge_planes_job *job) { midge_planes_run_3x3(job, 0, 2, midge_planes_finish); }

void midge_planes_row_3x3_stride2_exact_s8(midge_planes_job *job) { midge_planes_run_3x3(job, 0, 2, midge_planes_finish_exact); }
