#include "broadcast.h"
#include "requantize.h"

MIDGE_BINARY_KERNEL(midge_mul_s32, int32_t, const int32_t low = params->activation_min;
                    const int32_t high = params->activation_max;, midge_clamp(midge_mul_wrap(a, b), low, high))
