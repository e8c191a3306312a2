#include "broadcast.h"
#include "requantize.h"

MIDGE_BINARY_KERNEL(midge_mul_s8, int8_t,
                    midge_requantize_s8((a - params->input1_zero_point) * (b - params->input2_zero_point),
                                        params->output_multiplier, params->output_shift, params->output_zero_point,
                                        params->activation_min, params->activation_max))
