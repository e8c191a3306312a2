/* Winograd's F(2x2, 3x3) in exact integers (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015).
 *
 * A tile is 2x2 outputs and the 4x4 pixels d that they depend on. With
 *
 *          1  0 -1  0             2  0  0             1  1  1  0
 *   B^T =  0  1  1  0      2 G =  1  1  1      A^T =  0  1 -1 -1
 *          0 -1  1  0             1 -1  1
 *          0  1  0 -1             0  0  2
 *
 * 4 * the outputs of one channel = A^T ((2 G) g (2 G)^T * B^T d B) A, the product in the middle element by element: 16
 * multiplications for 36. For int8 pixels and taps the factors are integers in [-512, 512] and [-1152, 1152], so that
 * int16 holds them. Sums over channels may be formed of the products, which wrap around modulo 2^32 without harm as long
 * as 4 * the outputs do not.
 *
 * The 16 places of a transformed tile are numbered by columns: 4 * column + row. A word holds two channels as int16: of
 * four channels the words hold 0 and 2, then 1 and 3. Tiles are multiplied in blocks of four.
 */
#ifndef MIDGE_WINOGRAD_H
#define MIDGE_WINOGRAD_H

#include <stdint.h>

enum { MIDGE_WINOGRAD_PLACES = 16, MIDGE_WINOGRAD_TILES = 4 };

/* How the products of one output channel become int8; see midge_requantize_record_s8. */
typedef struct {
  int32_t bias;
  int32_t multiplier; /* 2 * multiplier - 2^32 */
  int32_t rounding;   /* (2 * output zero point + 1) * 2^(shift - 1) */
  int32_t shift;
  int32_t pixel_stride; /* bytes from one output pixel to the next */
  int32_t row_stride;
  int32_t minimum;
  int32_t maximum;
} midge_winograd_scale;

#endif
