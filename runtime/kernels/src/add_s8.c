#include "add_s8.h"

#include "broadcast.h"

MIDGE_BINARY_KERNEL(midge_add_s8, int8_t,
                    midge_scaled_result(params, MIDGE_SCALED_1(params, a) + MIDGE_SCALED_2(params, b)))
