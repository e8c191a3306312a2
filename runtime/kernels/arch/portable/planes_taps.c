#include "planes_loops.h"

void midge_planes_taps_s8(midge_planes_job *job) { midge_planes_run_taps(job, midge_planes_finish); }

void midge_planes_taps_exact_s8(midge_planes_job *job) { midge_planes_run_taps(job, midge_planes_finish_exact); }
