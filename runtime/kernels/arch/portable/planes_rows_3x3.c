#include "planes_loops.h"

void midge_planes_rows_3x3_s8(midge_planes_job *job) { midge_planes_run_3x3(job, 1, 1, midge_planes_finish); }

void midge_planes_rows_3x3_exact_s8(midge_planes_job *job) { midge_planes_run_3x3(job, 1, 1, midge_planes_finish_exact); }
