/* Midge's kernels: the one interface between the compiler, the host runtime and the generated firmware.
 *
 * Every kernel `midge_OP_TYPE` takes a pointer to its own `midge_OP_TYPE_params`, then the tensors that exist only at
 * run time, inputs before outputs, and last, where it needs one, `void *scratch`. The parameters are computed when the
 * model is compiled and lie in read-only memory: shapes, strides, packed weights, multipliers, tables. Kernels check
 * nothing at run time; what they rely on is written here and checked by the compiler of the model. They keep no state,
 * and use nothing of the C library but memcpy, memmove and memset.
 *
 * Tensors are dense and row-major; images are NHWC, convolution filters OHWI, batch 1 unless a `batches` field says
 * otherwise. A buffer may only overlap another where the kernel's comment says so. Type suffixes: s8 int8, s32 int32,
 * f32 float; a kernel without one moves bytes of any type.
 *
 * `multiplier` and `shift` describe the factor multiplier * 2^(shift - 31) with multiplier in [2^30, 2^31) or 0 and
 * shift in [-31, 30], applied with TFLite Micro's two roundings (see requantize.h).
 *
 * The Python side reads this header too (structures and prototypes, nothing else): keep to plain C declarations.
 */
#ifndef MIDGE_KERNELS_H
#define MIDGE_KERNELS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MIDGE_MAX_RANK 6

/* ---- Moving data --------------------------------------------------------------------------------------------- */

/* Copies a box of elements from one strided tensor into another: transpositions, slices, joins and splits.
 * Strides and offsets count elements; input strides may be negative or 0. No overlap. */
typedef struct {
  int32_t element_size;                 /* bytes: 1, 2, 4 or 8 */
  int32_t shape[MIDGE_MAX_RANK];        /* extent of the box, outermost axis first; unused leading axes are 1 */
  int32_t input_offset;
  int32_t input_stride[MIDGE_MAX_RANK];
  int32_t output_offset;
  int32_t output_stride[MIDGE_MAX_RANK];
} midge_copy_params;
void midge_copy(const midge_copy_params *params, const void *input, void *output);

#ifdef __cplusplus
}
#endif

#endif
