#include "add_s8.h"

MIDGE_BINARY_KERNEL(midge_add_s8, int8_t, const midge_sum sum = midge_make_sum(params);
                    , midge_sum_result(&sum, midge_operand1(&sum, a) + midge_operand2(&sum, b)))
