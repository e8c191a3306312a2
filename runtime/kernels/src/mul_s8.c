#include "broadcast.h"
#include "inner_loops.h"

void midge_mul_s8(const midge_mul_s8_params *params, const int8_t *input1, const int8_t *input2, int8_t *output) {
  midge_row row = {0, 0, 0, {0}};

  do {
    midge_mul_row_s8(params, input1 + row.input1, input2 + row.input2, output + row.output);
  } while (midge_next_row(&params->broadcast, &row));
}
