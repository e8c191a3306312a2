#include "broadcast.h"
#include "clamp_f32.h"

MIDGE_BINARY_KERNEL(midge_mul_f32, float, const float low = params->activation_min;
                    const float high = params->activation_max;, midge_clamp_f32(a * b, low, high))
