#include "broadcast.h"
#include "requantize.h"

MIDGE_BINARY_KERNEL(midge_mul_s32, int32_t,
                    midge_clamp(midge_mul_wrap(a, b), params->activation_min, params->activation_max))
