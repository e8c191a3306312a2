#include "broadcast.h"
#include "requantize.h"

MIDGE_BINARY_KERNEL(midge_add_s32, int32_t,
                    midge_clamp(midge_add_wrap(a, b), params->activation_min, params->activation_max))
