#include "broadcast.h"
#include "requantize.h"

MIDGE_BINARY_KERNEL(midge_mul_s8, int8_t, const midge_mul_s8_params p = *params;
                    , midge_requantize_s8((a - p.input1_zero_point) * (b - p.input2_zero_point), p.output_multiplier,
                                          p.output_shift, p.output_zero_point, p.activation_min, p.activation_max))
