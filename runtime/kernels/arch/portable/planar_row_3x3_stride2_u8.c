#include "planar_row.h"

MIDGE_PLANAR_ROW(midge_planar_row_3x3_stride2_u8, uint8_t)
