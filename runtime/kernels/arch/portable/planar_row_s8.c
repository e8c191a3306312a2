#include "planar_row.h"

MIDGE_PLANAR_ROW(midge_planar_row_s8, int8_t)
