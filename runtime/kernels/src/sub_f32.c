#include "broadcast.h"
#include "clamp_f32.h"

MIDGE_BINARY_KERNEL(midge_sub_f32, float, midge_clamp_f32(a - b, params->activation_min, params->activation_max))
