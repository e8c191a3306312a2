#include "add_s8.h"
#include "broadcast.h"

/* Not the sum with a negative operand: rounding half up is not symmetric. */
MIDGE_BINARY_KERNEL(midge_sub_s8, int8_t,
                    midge_scaled_result(params, MIDGE_SCALED_1(params, a) - MIDGE_SCALED_2(params, b)))
