/* Midge's kernels: the one interface between the compiler, the host runtime and the generated firmware.
 *
 * Every kernel `midge_OP_TYPE` takes a pointer to its own `midge_OP_TYPE_params`, then the tensors that exist only at
 * run time, inputs before outputs, and last, where it needs one, `void *scratch`. The parameters are computed when the
 * model is compiled and lie in read-only memory: shapes, strides, packed weights, multipliers, tables. Kernels check
 * nothing at run time; what they rely on is written here and checked by the compiler of the model. They keep no state,
 * and use nothing of the C library but memcpy, memmove and memset.
 *
 * Tensors are dense and row-major; images are NHWC, convolution filters OHWI, batch 1 unless a `batches` field says
 * otherwise. A buffer may only overlap another where the kernel's comment says so. The output of a forward kernel may
 * begin before its input and overlap the rest of it: such a kernel never again reads a byte that it may have written by
 * then; how far before is the `lead` that the compiler of the model knows. Type suffixes: s8 int8, s32 int32, f32 float;
 * a kernel without one moves bytes of any type.
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

/* Writes a tensor with a border of constant elements around it. No overlap. */
typedef struct {
  int32_t element_size;                 /* bytes: 1, 2, 4 or 8 */
  uint8_t value[8];                     /* bytes of one border element */
  int32_t input_shape[MIDGE_MAX_RANK];  /* outermost axis first; unused leading axes are 1 */
  int32_t before[MIDGE_MAX_RANK];       /* border elements before and after the input along each axis, 0 or more */
  int32_t after[MIDGE_MAX_RANK];
} midge_pad_params;
void midge_pad(const midge_pad_params *params, const void *input, void *output);

/* ---- Convolutions and pools ---------------------------------------------------------------------------------- */

/* midge_conv_2d_s8, midge_depthwise_conv_2d_s8, the pools, and their forms for floats are forward kernels: they compute
 * one output pixel after the other, row by row, all channels of one from its window before they read the next. */

/* How a window slides over images. All fields count elements, rows or columns and are at least 1 unless said so;
 * (filter - 1) * dilation + 1 + padding fits 31 bits. */
typedef struct {
  int32_t batches;
  int32_t input_height;
  int32_t input_width;
  int32_t input_channels;
  int32_t output_height;
  int32_t output_width;
  int32_t output_channels;
  int32_t filter_height;
  int32_t filter_width;
  int32_t stride_height;
  int32_t stride_width;
  int32_t dilation_height;
  int32_t dilation_width;
  int32_t padding_top;  /* rows of padding above the image, 0 or more */
  int32_t padding_left; /* columns of padding before the image, 0 or more */
  /* The interior: output rows [interior_top, interior_bottom) and columns [interior_left, interior_right), whose
   * windows need neither padding nor gathering. Empty (all 0) where there is none. */
  int32_t interior_top;
  int32_t interior_bottom;
  int32_t interior_left;
  int32_t interior_right;
} midge_window;

/* How int32 sums become int8, in all that follows: requantize, add output_zero_point, clamp to [activation_min,
 * activation_max] within [-128, 127]. Output channel c takes multiplier[c * factor_step] and shift[c * factor_step];
 * factor_step is 1, or 0 if one factor serves all channels. */

/* Kernels for layers whose factors are all below 1/2 take a record of three words per channel instead: the bias, 2 *
 * multiplier - 2^32, and the right shift -shift in [1, 22]; |sum + bias| < 2^30. See midge_requantize_record_s8. */

/* Convolution. The weights of every group of output channels lie together: first blocks of four channels, the four
 * interleaved ([filter_height][filter_width][filter_channels][4]), then the channels left over one after the other.
 * The bias holds -input_zero_point * sum(weights) already, so that padding means input_zero_point.
 * Interior: dilation_width 1 and one group. Scratch: filter_height * filter_width * filter_channels bytes if any output
 * lies outside the interior, else none (may be null). */
typedef struct {
  midge_window window;
  int32_t filter_channels; /* input channels of one group */
  int32_t input_zero_point;
  const int8_t *weights;
  const int32_t *bias;
  const int32_t *multiplier;
  const int32_t *shift;
  int32_t factor_step;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_conv_2d_s8_params;
void midge_conv_2d_s8(const midge_conv_2d_s8_params *params, const int8_t *input, int8_t *output, void *scratch);

/* The same for stride 1, dilation_width 1 and one group, three taps by two outputs in two multiplications of words (see
 * src/fields.h). Output rows are computed in bands. The rows of a band's input lie one behind the other in one line for
 * each channel, `period` pixels apart, padding included; neighbouring rows may share columns of padding. Padding shared
 * so exists on both sides where the period is odd; then band_rows is even or all rows are one band. A line takes
 * line_words words: those of the rows' pixels, and 3 * blocks + 1 from the last tap's on; blocks = ((band_rows - 1) *
 * period + output_width) / 2 / 3 + 1, rounded down.
 * The filter is cut into entries of three taps of one row and channel, [output_channels][filter_height]
 * [ceil(filter_width / 3)][input_channels][3], zeros where taps are missing; they are added up in segments of
 * segment_entries, a multiple of 8, in which the magnitudes of one output channel's weights sum up to at most 8,191.
 * The records' biases are smaller by segments * 2^20.
 * Scratch: 4 * (input_channels * line_words + 3 * segments * segment_entries + 6 * blocks + 1) bytes. The output may
 * overlap the input where no band's output lies behind the first row of input that it has not used yet. */
typedef struct {
  midge_window window;
  int32_t input_zero_point;
  int32_t period;
  int32_t line_words;
  int32_t band_rows;
  int32_t segments;
  int32_t segment_entries;
  const int8_t *weights;
  const int32_t *records;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_conv_2d_fields_s8_params;
void midge_conv_2d_fields_s8(const midge_conv_2d_fields_s8_params *params, const int8_t *input, int8_t *output,
                             void *scratch);

/* The same for 3x3 filters with stride 1, dilation 1, one group, a multiple of 8 input channels and an even number of
 * output channels: Winograd's F(2x2, 3x3) in exact integers (see src/winograd.h), one row of tiles at a time.
 * The weights are transformed already, [output_channels / 2][16][input_channels / 2][2], in words of two channels; 4 *
 * |sum| fits 32 bits.
 * Scratch: 128 * input_channels bytes for every four tiles of a row, begun ones too, and 512, and 8 * input_channels *
 * (tiles + 1). The output may overlap the input where no two rows of output lie behind the first row of input that has
 * not been used yet. */
typedef struct {
  midge_window window;
  int32_t input_zero_point;
  const int32_t *weights;
  const int32_t *records;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_conv_2d_winograd_s8_params;
void midge_conv_2d_winograd_s8(const midge_conv_2d_winograd_s8_params *params, const int8_t *input, int8_t *output,
                               void *scratch);

/* The same on floats; sums run over filter rows, columns, channels in this order, then the bias is added. Scratch:
 * four times as many bytes. Padding is 0. */
typedef struct {
  midge_window window;
  int32_t filter_channels;
  float activation_min;
  float activation_max;
  const float *weights; /* laid out as in midge_conv_2d_s8 */
  const float *bias;
} midge_conv_2d_f32_params;
void midge_conv_2d_f32(const midge_conv_2d_f32_params *params, const float *input, float *output, void *scratch);

/* Convolution of floats with int8 weights, the dynamic-range form: each image is quantized to int8 by its own range,
 * and the integer sums are scaled back. Weights as in midge_conv_2d_s8. With `symmetric` the quantized image has zero
 * point 0 and values in [-127, 127], else a zero point of its own. The interior is not used. Scratch: the elements of
 * one image and filter_height * filter_width * filter_channels more, in bytes. */
typedef struct {
  midge_window window;
  int32_t filter_channels;
  int32_t symmetric;
  int32_t scales_first; /* whether the sum is multiplied by the product of both scales, or by one after the other */
  float activation_min;
  float activation_max;
  const int8_t *weights;
  const int32_t *weight_sums; /* per output channel */
  const float *weight_scales; /* per output channel */
  const float *bias;
} midge_conv_2d_dynamic_f32_params;
void midge_conv_2d_dynamic_f32(const midge_conv_2d_dynamic_f32_params *params, const float *input, float *output,
                               void *scratch);

/* Convolution for processors with wide registers: the whole image is copied to scratch as int16 with its padding, so
 * that every window is alike. A window consists of `runs` stretches of 2 * run_pairs elements, stretch r beginning
 * run_offsets[r] elements behind the window's first. The weights are [ceil(output_channels / 8)][runs][run_pairs][8][2]
 * with zeros where a channel or an element is missing; bias, and multipliers and shifts if there is one per channel,
 * are padded to a multiple of 8 channels. One group. The interior is not used.
 * Scratch: 2 * (padded_height * padded_width * input_channels + 1) bytes. */
typedef struct {
  midge_window window;
  int32_t padded_height; /* rows of the padded image */
  int32_t padded_width;
  int32_t runs;
  int32_t run_pairs;
  int32_t input_zero_point;
  const int32_t *run_offsets;
  const int16_t *weights;
  const int32_t *bias;
  const int32_t *multiplier;
  const int32_t *shift;
  int32_t factor_step;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_conv_2d_wide_s8_params;
void midge_conv_2d_wide_s8(const midge_conv_2d_wide_s8_params *params, const int8_t *input, int8_t *output,
                           void *scratch);

/* Convolution for processors with dot products of four bytes: the whole image is copied to scratch with its padding. A
 * window consists of `runs` stretches of 4 * run_quads elements, stretch r beginning run_offsets[r] elements behind the
 * window's first. The weights are [ceil(output_channels / 8)][runs][run_quads][8][4] with zeros where a channel or an
 * element is missing; bias, and multipliers and shifts if there is one per channel, are padded to a multiple of 8
 * channels. One group. The interior is not used.
 * Scratch: padded_height * padded_width * input_channels + 3 bytes. */
typedef struct {
  midge_window window;
  int32_t padded_height; /* rows of the padded image */
  int32_t padded_width;
  int32_t runs;
  int32_t run_quads;
  int32_t input_zero_point;
  const int32_t *run_offsets;
  const int8_t *weights;
  const int32_t *bias;
  const int32_t *multiplier;
  const int32_t *shift;
  int32_t factor_step;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_conv_2d_dot_s8_params;
void midge_conv_2d_dot_s8(const midge_conv_2d_dot_s8_params *params, const int8_t *input, int8_t *output,
                          void *scratch);

/* Convolution for processors without SIMD, two channels per multiplication; see src/joined.h. The weights are
 * [ceil(output_channels / group_channels)][filter_height][filter_width][input_channels][group_channels], zeros where a
 * channel is missing. One group; depth is filter_height * filter_width * input_channels. Interior: dilation_width 1.
 * A step is two pixels of a row, or one at its end. Bands of steps are computed one after the other, each block by
 * block. The output may overlap the input where nothing lies behind the first byte that a later step still reads;
 * with a buffer a band's outputs are only written when all of it has been computed.
 * Scratch: patch_offset bytes, 2 * depth more if any output lies outside the interior, and the outputs of the longest
 * band if there is a buffer.
 *
 * midge_conv_2d_joined_s8: group_channels is 4. 128 * (sum of absolute weights) < 2^23 for even channels; odd ones hold
 * -128 only where their predecessor is not negative. patch_offset is (2 * depth + 8) * block_channels.
 * midge_conv_2d_segments_s8: group_channels is 2 or 4. Every row of every group's filter is cut into segments of at
 * least one element; with any int8 inputs no channel's sum over one of them leaves 16 bits, and a segment is no longer
 * than the inner loop takes, 16 at most. The bias of even channels holds -2^15 for every segment of the group. patch_offset is 8 *
 * block_channels and the greatest number of bytes of a block's expanded weights: 2 * depth * channels, and 4 for every
 * segment and row. */
typedef struct {
  midge_window window;
  int32_t group_channels; /* channels of which the sums are formed together */
  int32_t block_channels; /* channels of which the weights are expanded together, a multiple of group_channels */
  int32_t band_steps;     /* at least 1; counted on from image to image */
  int32_t patch_offset;
  int32_t buffer_offset; /* bytes from the scratch's start to the buffer; 0: there is none */
  int32_t input_zero_point;
  const int8_t *weights;
  const uint8_t *segments; /* one less than the elements of each segment, by group and filter row, two to a byte, the
                            * first one lower; null for midge_conv_2d_joined_s8 */
  const int32_t *records;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_conv_2d_joined_s8_params;
void midge_conv_2d_joined_s8(const midge_conv_2d_joined_s8_params *params, const int8_t *input, int8_t *output,
                            void *scratch);

typedef midge_conv_2d_joined_s8_params midge_conv_2d_segments_s8_params;
void midge_conv_2d_segments_s8(const midge_conv_2d_segments_s8_params *params, const int8_t *input, int8_t *output,
                               void *scratch);

/* Convolution for processors with dual 16-bit multiplications, two output channels in one int16 (see src/pairs.h). One
 * group. Output channels come in blocks of four, the last one filled up with zeros: block_words words each. A block is
 * the biases of channels 0 and 2; the weights; the biases of channels 1 and 3; and for each channel the other two words
 * of its record. A window's inputs are `runs` runs of run_quads quads: every filter row one, filled up with zeros, or
 * all of them one. The weights of a quad are four words: inputs 0 and 2 for channels 0 and 1, then for channels 2 and 3;
 * inputs 1 and 3 likewise. A halfword is the even channel's weight plus 256 times the odd one's; it fits, and the sum
 * of the magnitudes of an odd channel's weights is below 2^16.
 * Interior: every filter row is a run, and 4 * run_quads bytes of each run lie inside the image.
 * Scratch: 16 * runs * run_quads bytes, aligned to words; half as many more if any output lies outside the interior.
 * Each pair of output pixels is written after its windows were read; the output may overlap the input before that. */
typedef struct {
  midge_window window;
  int32_t runs;
  int32_t run_quads;
  int32_t input_zero_point;
  const int32_t *blocks;
  int32_t block_words;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_conv_2d_pairs_s8_params;
void midge_conv_2d_pairs_s8(const midge_conv_2d_pairs_s8_params *params, const int8_t *input, int8_t *output,
                            void *scratch);

/* The same where activation_min is -128 and activation_max 127. The shifts of the records, e, are at least 2 and
 * replaced by 2^(32 - e). */
typedef midge_conv_2d_pairs_s8_params midge_conv_2d_pairs_linear_s8_params;
void midge_conv_2d_pairs_linear_s8(const midge_conv_2d_pairs_linear_s8_params *params, const int8_t *input,
                                   int8_t *output, void *scratch);

/* The same where, besides, output_zero_point is -128. */
typedef midge_conv_2d_pairs_s8_params midge_conv_2d_pairs_relu_s8_params;
void midge_conv_2d_pairs_relu_s8(const midge_conv_2d_pairs_relu_s8_params *params, const int8_t *input, int8_t *output,
                                 void *scratch);

/* The last two in fewer cycles of a Cortex-M4, but more instructions. */
typedef midge_conv_2d_pairs_s8_params midge_conv_2d_pairs_ldr_linear_s8_params;
void midge_conv_2d_pairs_ldr_linear_s8(const midge_conv_2d_pairs_ldr_linear_s8_params *params, const int8_t *input,
                                       int8_t *output, void *scratch);

typedef midge_conv_2d_pairs_s8_params midge_conv_2d_pairs_ldr_relu_s8_params;
void midge_conv_2d_pairs_ldr_relu_s8(const midge_conv_2d_pairs_ldr_relu_s8_params *params, const int8_t *input,
                                     int8_t *output, void *scratch);

/* Convolution for processors with vectors of 16 bytes whose products add up in one register. A window consists of `runs`
 * stretches of `run_length` bytes: those of the image itself, or a single one that has been copied together (`gathered`:
 * for the whole interior, otherwise only outside of it), `patches` windows at a time. A copy may be longer than the
 * window; the weights are 0 there. One group.
 * `blocks` holds for every four output channels: 4 biases (as in midge_conv_2d_s8); the int8 weights, run by run,
 * [ceil(run_length / 16)][4][16], the last chunk [4][run_length % 16]; 4 multipliers; 4 shifts, -31 to -1. The channels
 * left over have their 4 multipliers and 4 shifts before the weights, of which there are as many channels as are left;
 * 48 bytes without meaning follow. Everything is in the byte order of the board, little endian.
 * Scratch: patches * runs * run_length bytes. */
typedef struct {
  midge_window window;
  int32_t runs;
  int32_t run_length;
  int32_t gathered;
  int32_t patches;        /* 0 if no window is copied */
  const uint8_t *offsets; /* of run_length bytes of an interior copy from the window's first; null if not all fit */
  int32_t input_zero_point;
  const int32_t *blocks;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_conv_2d_lanes_s8_params;
void midge_conv_2d_lanes_s8(const midge_conv_2d_lanes_s8_params *params, const int8_t *input, int8_t *output,
                            void *scratch);

/* Depthwise convolution: output channel c reads input channel c / depth_multiplier. With depth_multiplier 1 the weights
 * are blocks of four channels, interleaved ([filter_height][filter_width][4]), then the channels left over; else one
 * channel after the other. Bias as in midge_conv_2d_s8. Scratch: filter_height * filter_width * input_channels bytes if
 * any output lies outside the interior, else none (may be null). */
typedef struct {
  midge_window window;
  int32_t depth_multiplier;
  int32_t input_zero_point;
  const int8_t *weights;
  const int32_t *bias;
  const int32_t *multiplier;
  const int32_t *shift;
  int32_t factor_step;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_depthwise_conv_2d_s8_params;
void midge_depthwise_conv_2d_s8(const midge_depthwise_conv_2d_s8_params *params, const int8_t *input, int8_t *output,
                                void *scratch);

/* Depthwise convolution for processors without SIMD, channel by channel on a padded copy of the channel's inputs, in
 * which neighbours lie side by side. Input channel c serves output channels c * m to c * m + m - 1, where m is
 * output_channels / input_channels. Rows and columns may have changed places: input_row_step and the other steps say
 * how many bytes rows and columns of the tensors lie apart. dilation_width is 1; the interior is not used.
 * The weights are [output_channels][filter_height][filter_width]; where input_offset is 128, the bias of the records
 * holds -128 * (sum of weights), too. Where m is 1 the output may start at the same byte as the input, unless there
 * are several images and the output's are larger.
 * Scratch: 4 * (filter_height * filter_width + output_width) + padded_height * padded_width bytes. */
typedef struct {
  midge_window window;
  int32_t padded_height; /* rows of the padded image, as far as windows reach */
  int32_t padded_width;
  int32_t input_row_step;
  int32_t input_column_step;
  int32_t output_row_step;
  int32_t output_column_step;
  int32_t input_zero_point;
  int32_t input_offset; /* 0; or 128, added to inputs where unsigned bytes load faster */
  const int8_t *weights;
  const int32_t *records;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_depthwise_conv_2d_planar_s8_params;
void midge_depthwise_conv_2d_planar_s8(const midge_depthwise_conv_2d_planar_s8_params *params, const int8_t *input,
                                       int8_t *output, void *scratch);

/* The same on floats; scratch: four times as many bytes. Padding is 0. */
typedef struct {
  midge_window window;
  int32_t depth_multiplier;
  float activation_min;
  float activation_max;
  const float *weights;
  const float *bias;
} midge_depthwise_conv_2d_f32_params;
void midge_depthwise_conv_2d_f32(const midge_depthwise_conv_2d_f32_params *params, const float *input, float *output,
                                 void *scratch);

/* Depthwise convolution with depth multiplier 1 for processors with wide registers, on a padded int16 copy of the image
 * as in midge_conv_2d_wide_s8. Tap t of a window lies tap_offsets[t] elements behind its first; there is an even number
 * of taps, the last one doubled with zero weights where the filter has an odd number. The weights are
 * [ceil(channels / 8)][taps / 2][8][2], zeros where a channel is missing; bias, and multipliers and shifts if there is
 * one per channel, are padded to a multiple of 8 channels.
 * Scratch: 2 * (padded_height * padded_width * input_channels + 7) bytes. */
typedef struct {
  midge_window window;
  int32_t padded_height;
  int32_t padded_width;
  int32_t taps;
  int32_t input_zero_point;
  const int32_t *tap_offsets;
  const int16_t *weights;
  const int32_t *bias;
  const int32_t *multiplier;
  const int32_t *shift;
  int32_t factor_step;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_depthwise_conv_2d_wide_s8_params;
void midge_depthwise_conv_2d_wide_s8(const midge_depthwise_conv_2d_wide_s8_params *params, const int8_t *input,
                                     int8_t *output, void *scratch);

/* Depthwise convolution with depth multiplier 1 and dilation 1, one channel after the other. Four channels at a time are
 * copied to planes in scratch: a word holds two pixels of one channel, rows 2i and 2i + 1 of the padded image, the upper
 * row in the low half; `pitch` words follow each other along a row. Bands of rows are done one after the other: of
 * band_pairs pairs of rows in a plane the last keep_pairs stay for the next band. The output may start at the same byte
 * as the input, as far as the compiler of the model says so.
 *
 * A run is a rectangle of output pixels, done in blocks of two columns and, unless row_step is 0, two rows: its first
 * pixel's place in a plane, in words, and in the band's output, in bytes; bytes from a pixel to its right neighbour (0:
 * only the first of a block counts) and from the upper row to the lower one; columns, at least two, where an odd one at
 * the end is done together with the one before it once more; rows or pairs of rows; and bytes from behind the last
 * column to the next row or pair of rows.
 *
 * A record is what a sum starts from, a multiplier, an offset, and by how many bits weights are scaled; the output is
 * ((sum * multiplier >> 32) + offset) >> 9, saturated. `exact` kernels, for outputs that no single rounding gives, have
 * the bias, 2 * multiplier - 2^32, (2 * zero point + 1) << (e - 1), and the right shift e in their records; see
 * midge_requantize_record_s8. Then all is
 * clamped to [activation_min, activation_max].
 *
 * Scratch: weight_words words, then plane_words for each of min(4, channels) planes. */
typedef struct {
  int32_t batches;
  int32_t channels;
  int32_t input_rows;
  int32_t input_columns;
  int32_t input_row_step; /* bytes */
  int32_t input_column_step;
  int32_t input_bytes;    /* of one image, likewise of one output */
  int32_t output_bytes;
  int32_t filter_height;
  int32_t filter_width;
  int32_t padding_top;
  int32_t padding_left;
  int32_t input_zero_point;
  int32_t reach;          /* pairs of rows, and columns, that one block's windows begin in; for any filter */
  int32_t block_columns;
  int32_t column_stride;  /* words from one output column's pixels to the next one's */
  int32_t weight_words;   /* for any filter: 2 * reach * block_columns, else 0 */
  int32_t plane_words;
  int32_t pitch;
  int32_t line;           /* whether pairs of rows take the place of columns: one column of pixels, pitch 1 */
  int32_t bands;          /* before the last one */
  int32_t band_pairs;
  int32_t last_pairs;     /* pairs of rows in the last band */
  int32_t keep_pairs;
  int32_t band_output;    /* bytes of output of a band but the last */
  int32_t band_runs;
  int32_t last_runs;
  const int32_t *runs;    /* [band_runs, then last_runs][7] */
  const int8_t *weights;  /* [channels][filter_height][filter_width] */
  const int32_t *records; /* [channels][4] */
  int32_t activation_min;
  int32_t activation_max;
} midge_depthwise_conv_2d_planes_s8_params;

/* Any filter. */
void midge_depthwise_conv_2d_planes_s8(const midge_depthwise_conv_2d_planes_s8_params *params, const int8_t *input, int8_t *output,
                                       void *scratch);
typedef midge_depthwise_conv_2d_planes_s8_params midge_depthwise_conv_2d_planes_exact_s8_params;
void midge_depthwise_conv_2d_planes_exact_s8(const midge_depthwise_conv_2d_planes_exact_s8_params *params,
                                             const int8_t *input, int8_t *output,
                                             void *scratch);
/* A filter of 3x3 with stride 1. */
typedef midge_depthwise_conv_2d_planes_s8_params midge_depthwise_conv_2d_planes_3x3_s8_params;
void midge_depthwise_conv_2d_planes_3x3_s8(const midge_depthwise_conv_2d_planes_3x3_s8_params *params,
                                           const int8_t *input, int8_t *output,
                                           void *scratch);
typedef midge_depthwise_conv_2d_planes_s8_params midge_depthwise_conv_2d_planes_3x3_exact_s8_params;
void midge_depthwise_conv_2d_planes_3x3_exact_s8(const midge_depthwise_conv_2d_planes_3x3_exact_s8_params *params,
                                                 const int8_t *input, int8_t *output,
                                                 void *scratch);
/* With stride 2. */
typedef midge_depthwise_conv_2d_planes_s8_params midge_depthwise_conv_2d_planes_3x3_stride2_s8_params;
void midge_depthwise_conv_2d_planes_3x3_stride2_s8(const midge_depthwise_conv_2d_planes_3x3_stride2_s8_params *params,
                                                   const int8_t *input, int8_t *output,
                                                   void *scratch);
typedef midge_depthwise_conv_2d_planes_s8_params midge_depthwise_conv_2d_planes_3x3_stride2_exact_s8_params;
void midge_depthwise_conv_2d_planes_3x3_stride2_exact_s8(const midge_depthwise_conv_2d_planes_3x3_stride2_exact_s8_params *params,
                                                         const int8_t *input, int8_t *output,
                                                         void *scratch);

/* Depthwise convolution with depth multiplier 1 for processors with vectors of 16 bytes that can gather four words. The
 * rows that an output row reads are interleaved by four in scratch: byte r of a word comes from row r of a group of four,
 * so that a window of one channel is a few vectors of four words. Lane l of vector v has the filter's tap lane_taps[v][l]
 * where bit l of lane_masks[v] is set, and does not count elsewhere. The weights are dense, one channel after the other;
 * `records` holds 4 biases (as in midge_conv_2d_s8), 4 multipliers and 4 shifts, -31 to -1, for every four channels, the
 * last of them for the last four channels. At least four channels.
 * Scratch: padded_width * pass_channels words for every group of rows; behind the last of them as many more bytes as it
 * takes to write 16 words for every begun 16 bytes of a row of the image; and 16 * pass_columns bytes more if there are
 * several vectors. */
typedef struct {
  midge_window window;
  int32_t row_groups;    /* groups of four rows of a window */
  int32_t pass_columns;  /* output columns computed together */
  int32_t padded_width;  /* columns that so many windows reach over, padding included */
  int32_t pass_channels; /* channels interleaved together: all, or 16 where there are a multiple of 4 and more than 16 */
  int32_t input_zero_point;
  int32_t vectors;
  const int32_t *word_offsets; /* [vectors][4] bytes from a window's first word to each; 0 where there are fewer */
  const int32_t *lane_masks;   /* [vectors] */
  const uint8_t *lane_taps;    /* [vectors][16] */
  const int8_t *weights;
  const int32_t *records;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_depthwise_conv_2d_words_s8_params;
void midge_depthwise_conv_2d_words_s8(const midge_depthwise_conv_2d_words_s8_params *params, const int8_t *input,
                                      int8_t *output, void *scratch);

/* Fully connected layer on `batches` rows of `depth` inputs. Weights as in midge_conv_2d_s8: blocks of four output
 * channels interleaved ([depth][4]), then the channels left over; bias likewise. */
typedef struct {
  int32_t batches;
  int32_t depth;
  int32_t output_channels;
  const int8_t *weights;
  const int32_t *bias;
  const int32_t *multiplier;
  const int32_t *shift;
  int32_t factor_step;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_fully_connected_s8_params;
void midge_fully_connected_s8(const midge_fully_connected_s8_params *params, const int8_t *input, int8_t *output);

/* Fully connected layer with blocks as in midge_conv_2d_pairs_s8, `depth` filled up to a multiple of eight.
 * Scratch: 16 * ceil(depth / 8) bytes, aligned to words. */
typedef struct {
  int32_t batches;
  int32_t depth;
  int32_t output_channels;
  const int32_t *blocks;
  int32_t block_words;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_fully_connected_pairs_s8_params;
void midge_fully_connected_pairs_s8(const midge_fully_connected_pairs_s8_params *params, const int8_t *input,
                                    int8_t *output, void *scratch);

/* The same where activation_min is -128 and activation_max 127; records as in midge_conv_2d_pairs_linear_s8. */
typedef midge_fully_connected_pairs_s8_params midge_fully_connected_pairs_linear_s8_params;
void midge_fully_connected_pairs_linear_s8(const midge_fully_connected_pairs_linear_s8_params *params,
                                           const int8_t *input, int8_t *output, void *scratch);

/* The same where, besides, output_zero_point is -128. */
typedef midge_fully_connected_pairs_s8_params midge_fully_connected_pairs_relu_s8_params;
void midge_fully_connected_pairs_relu_s8(const midge_fully_connected_pairs_relu_s8_params *params, const int8_t *input,
                                         int8_t *output, void *scratch);

/* The same for processors without SIMD, two channels per multiplication; see src/masked.h. The weights are words
 * [ceil(output_channels / group_channels)][depth][group_channels / 4], each of four channels' weights + 128 as bytes, the
 * first one lowest; channels that are missing have weight 0. The inputs of every group are cut into segments of 1 to 255
 * elements; with any int8 inputs no channel's sum over one of them leaves 16 bits. The bias of the first two of every
 * four channels holds -2^15 for every segment of the group. */
typedef struct {
  int32_t batches;
  int32_t depth;
  int32_t output_channels;
  int32_t group_channels; /* channels of which the sums are formed together: 4 or 8 */
  const uint32_t *weights;
  const uint8_t *segments; /* elements of each segment, by group */
  const int32_t *records;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_fully_connected_segments_s8_params;
void midge_fully_connected_segments_s8(const midge_fully_connected_segments_s8_params *params, const int8_t *input,
                                       int8_t *output);

/* ---- Weights of four bits --------------------------------------------------------------------------------------- */

/* midge_conv_2d_pairs_linear_s8 with weights of -8 to 7, four output channels in one int16 (see src/packed.h). A block
 * is the bias of channel 0; the weights; the biases of channels 1 to 3; and for each channel the other two words of its
 * record. The weights of a quad are two words: inputs 0 and 2, then 1 and 3. A halfword is w0 + 8 + 16 * (w1 + 8) + 256 *
 * (w2 + 8) + 4096 * w3, where the sum of the magnitudes of w3 in a block is below 2^12. At most 4,096 inputs of a
 * window, filling included. Outputs are clamped last. */
typedef midge_conv_2d_pairs_s8_params midge_conv_2d_nibbles_s8_params;
void midge_conv_2d_nibbles_s8(const midge_conv_2d_nibbles_s8_params *params, const int8_t *input, int8_t *output,
                              void *scratch);

/* The same with any 16 values in place of -8 to 7, which follow the blocks, 16 bytes in four words, little endian. A
 * block is the four biases; the weights; and for each channel the other two words of its record. The weights of a quad
 * are two words likewise: byte c is the index of channel c's value for the first of both inputs plus 16 times that for
 * the second. Scratch: 1,024 bytes more. */
typedef midge_conv_2d_pairs_s8_params midge_conv_2d_codebook_s8_params;
void midge_conv_2d_codebook_s8(const midge_conv_2d_codebook_s8_params *params, const int8_t *input, int8_t *output,
                               void *scratch);

/* Fully connected layers: midge_fully_connected_pairs_linear_s8 with blocks as above. */
typedef midge_fully_connected_pairs_s8_params midge_fully_connected_nibbles_s8_params;
void midge_fully_connected_nibbles_s8(const midge_fully_connected_nibbles_s8_params *params, const int8_t *input,
                                      int8_t *output, void *scratch);

typedef midge_fully_connected_pairs_s8_params midge_fully_connected_codebook_s8_params;
void midge_fully_connected_codebook_s8(const midge_fully_connected_codebook_s8_params *params, const int8_t *input,
                                       int8_t *output, void *scratch);

/* For processors without SIMD. midge_conv_2d_segments_s8 and midge_conv_2d_joined_s8 whose weights are 16 values, then
 * the indices of the weights two to a byte, the first one lower. They are unpacked behind where the expanded weights of
 * a group end; patch_offset leaves at least depth * group_channels bytes more for them than the words of sums. */
typedef midge_conv_2d_joined_s8_params midge_conv_2d_segments_packed_s8_params;
void midge_conv_2d_segments_packed_s8(const midge_conv_2d_segments_packed_s8_params *params, const int8_t *input,
                                      int8_t *output, void *scratch);

typedef midge_conv_2d_joined_s8_params midge_conv_2d_joined_packed_s8_params;
void midge_conv_2d_joined_packed_s8(const midge_conv_2d_joined_packed_s8_params *params, const int8_t *input,
                                    int8_t *output, void *scratch);

/* midge_fully_connected_segments_s8 for weights of -8 to 7: a word [ceil(output_channels / 8)][depth] holds those of
 * eight channels plus 8, from the lowest bits up channels 0, 2, 4, 6, 1, 3, 5, 7. group_channels is 8; the bias of even
 * channels holds -2^15 for every segment of the group. */
typedef midge_fully_connected_segments_s8_params midge_fully_connected_segments_nibbles_s8_params;
void midge_fully_connected_segments_nibbles_s8(const midge_fully_connected_segments_nibbles_s8_params *params,
                                               const int8_t *input, int8_t *output);

/* The same with the indices of any 16 values, which are the first four words; channels in their order. Scratch: 1,024
 * bytes. */
typedef midge_fully_connected_segments_s8_params midge_fully_connected_segments_codebook_s8_params;
void midge_fully_connected_segments_codebook_s8(const midge_fully_connected_segments_codebook_s8_params *params,
                                                const int8_t *input, int8_t *output, void *scratch);

typedef struct {
  int32_t batches;
  int32_t depth;
  int32_t output_channels;
  float activation_min;
  float activation_max;
  const float *weights;
  const float *bias;
} midge_fully_connected_f32_params;
void midge_fully_connected_f32(const midge_fully_connected_f32_params *params, const float *input, float *output);

/* Pools: the average (rounded half away from zero) or the greatest of the window's elements inside the image, clamped.
 * Every window has at least one, at most 2^23. Dilations are 1; the interior is not used. */
typedef struct {
  midge_window window;
  int32_t activation_min;
  int32_t activation_max;
} midge_average_pool_2d_s8_params;
void midge_average_pool_2d_s8(const midge_average_pool_2d_s8_params *params, const int8_t *input, int8_t *output);

typedef struct {
  midge_window window;
  int32_t activation_min;
  int32_t activation_max;
} midge_max_pool_2d_s8_params;
void midge_max_pool_2d_s8(const midge_max_pool_2d_s8_params *params, const int8_t *input, int8_t *output);

typedef struct {
  midge_window window;
  float activation_min;
  float activation_max;
} midge_average_pool_2d_f32_params;
void midge_average_pool_2d_f32(const midge_average_pool_2d_f32_params *params, const float *input, float *output);

typedef struct {
  midge_window window;
  float activation_min;
  float activation_max;
} midge_max_pool_2d_f32_params;
void midge_max_pool_2d_f32(const midge_max_pool_2d_f32_params *params, const float *input, float *output);

/* ---- Reductions ---------------------------------------------------------------------------------------------- */

/* Mean over some axes. Kept and reduced axes, outermost first, adjacent ones merged, 1 and 0 in unused leading places;
 * strides count input elements. The output lists the kept axes row-major. (multiplier, shift) already holds the
 * division by the number of reduced elements, at most 2^23; offset is -input_zero_point times that number. */
typedef struct {
  int32_t kept_shape[3];
  int32_t kept_stride[3];
  int32_t reduced_shape[3];
  int32_t reduced_stride[3];
  int32_t offset;
  int32_t multiplier; /* [2^29, 2^31) or 0 */
  int32_t shift;
  int32_t output_zero_point;
} midge_mean_s8_params;
void midge_mean_s8(const midge_mean_s8_params *params, const int8_t *input, int8_t *output);

/* The same on floats: the sum, in the input's order, divided by count. */
typedef struct {
  int32_t kept_shape[3];
  int32_t kept_stride[3];
  int32_t reduced_shape[3];
  int32_t reduced_stride[3];
  float count;
} midge_mean_f32_params;
void midge_mean_f32(const midge_mean_f32_params *params, const float *input, float *output);

/* ---- Element by element on two tensors ----------------------------------------------------------------------- */

/* How two inputs are walked: the output is dense, stride 0 repeats an input's elements. Strides count elements. In all
 * that follows the output may start at the same byte as an input of as many elements. */
typedef struct {
  int32_t shape[MIDGE_MAX_RANK]; /* of the output, outermost axis first; unused leading axes are 1 */
  int32_t input1_stride[MIDGE_MAX_RANK];
  int32_t input2_stride[MIDGE_MAX_RANK];
} midge_broadcast;

/* (input1 - zero point) * 2^20 times its factor, at most 1/2; likewise input2; their sum (or difference) times the
 * output's factor, below 1, plus the output's zero point, clamped to [activation_min, activation_max] within int8. */
typedef struct {
  midge_broadcast broadcast;
  int32_t input1_zero_point;
  int32_t input1_multiplier;
  int32_t input1_shift;
  int32_t input2_zero_point;
  int32_t input2_multiplier;
  int32_t input2_shift;
  int32_t output_zero_point;
  int32_t output_multiplier;
  int32_t output_shift;
  int32_t activation_min;
  int32_t activation_max;
} midge_add_s8_params;
void midge_add_s8(const midge_add_s8_params *params, const int8_t *input1, const int8_t *input2, int8_t *output);

typedef midge_add_s8_params midge_sub_s8_params;
void midge_sub_s8(const midge_sub_s8_params *params, const int8_t *input1, const int8_t *input2, int8_t *output);

/* Sum or difference of two tensors alike, where one rounding gives the same bytes: (offset + (factor1 * input1 >> 8) +
 * (factor2 * input2 >> 8)) >> 21, clamped. No sum overflows 32 bits, in whatever order. */
typedef struct {
  int32_t elements;
  int32_t factor1;
  int32_t factor2;
  int32_t offset;
  int32_t activation_min;
  int32_t activation_max;
} midge_weighted_sum_s8_params;
void midge_weighted_sum_s8(const midge_weighted_sum_s8_params *params, const int8_t *input1, const int8_t *input2,
                           int8_t *output);

typedef struct {
  midge_broadcast broadcast;
  int32_t input1_zero_point;
  int32_t input2_zero_point;
  int32_t output_zero_point;
  int32_t output_multiplier;
  int32_t output_shift;
  int32_t activation_min;
  int32_t activation_max;
} midge_mul_s8_params;
void midge_mul_s8(const midge_mul_s8_params *params, const int8_t *input1, const int8_t *input2, int8_t *output);

typedef struct {
  midge_broadcast broadcast;
  float activation_min;
  float activation_max;
} midge_add_f32_params;
void midge_add_f32(const midge_add_f32_params *params, const float *input1, const float *input2, float *output);

typedef midge_add_f32_params midge_sub_f32_params;
void midge_sub_f32(const midge_sub_f32_params *params, const float *input1, const float *input2, float *output);

typedef midge_add_f32_params midge_mul_f32_params;
void midge_mul_f32(const midge_mul_f32_params *params, const float *input1, const float *input2, float *output);

/* Modulo 2^32, then clamped. */
typedef struct {
  midge_broadcast broadcast;
  int32_t activation_min;
  int32_t activation_max;
} midge_add_s32_params;
void midge_add_s32(const midge_add_s32_params *params, const int32_t *input1, const int32_t *input2, int32_t *output);

typedef midge_add_s32_params midge_sub_s32_params;
void midge_sub_s32(const midge_sub_s32_params *params, const int32_t *input1, const int32_t *input2, int32_t *output);

typedef midge_add_s32_params midge_mul_s32_params;
void midge_mul_s32(const midge_mul_s32_params *params, const int32_t *input1, const int32_t *input2, int32_t *output);

/* ---- Element by element on one tensor ------------------------------------------------------------------------ */

/* Any function of one byte: table[x] for every input byte x taken as unsigned. Input and output are int8 or uint8. The
 * output may start at the same byte as the input, here and in all kernels of this section whose types are alike. */
typedef struct {
  int32_t elements;
  const int8_t *table; /* 256 bytes */
} midge_lookup_s8_params;
void midge_lookup_s8(const midge_lookup_s8_params *params, const void *input, void *output);

typedef struct {
  int32_t elements;
  float minimum;
  float maximum;
} midge_relu_f32_params;
void midge_relu_f32(const midge_relu_f32_params *params, const float *input, float *output);

typedef struct {
  int32_t elements;
  float alpha; /* factor of negative elements */
} midge_leaky_relu_f32_params;
void midge_leaky_relu_f32(const midge_leaky_relu_f32_params *params, const float *input, float *output);

/* x * min(max(x + 3, 0), 6) / 6 */
typedef struct {
  int32_t elements;
} midge_hard_swish_f32_params;
void midge_hard_swish_f32(const midge_hard_swish_f32_params *params, const float *input, float *output);

typedef struct {
  int32_t elements;
} midge_logistic_f32_params;
void midge_logistic_f32(const midge_logistic_f32_params *params, const float *input, float *output);

typedef struct {
  int32_t elements;
} midge_tanh_f32_params;
void midge_tanh_f32(const midge_tanh_f32_params *params, const float *input, float *output);

/* round(x / scale) + zero_point, halves away from zero, saturated; NaN gives the zero point. */
typedef struct {
  int32_t elements;
  int32_t zero_point;
  float scale;
} midge_quantize_f32_s8_params;
void midge_quantize_f32_s8(const midge_quantize_f32_s8_params *params, const float *input, int8_t *output);

/* scale * (x - zero_point) */
typedef struct {
  int32_t elements;
  int32_t zero_point;
  float scale;
} midge_dequantize_s8_f32_params;
void midge_dequantize_s8_f32(const midge_dequantize_s8_f32_params *params, const int8_t *input, float *output);

typedef midge_dequantize_s8_f32_params midge_dequantize_u8_f32_params;
void midge_dequantize_u8_f32(const midge_dequantize_u8_f32_params *params, const uint8_t *input, float *output);

/* ---- Softmax ------------------------------------------------------------------------------------------------- */

/* Along rows of `depth` elements, at most 4095. exponentials[d] is exp of an element that lies d below its row's
 * greatest, with 31 fractional bits; 0 where it does not count. The output has scale 1/256 and zero point -128, and may
 * start at the same byte as the input. */
typedef struct {
  int32_t rows;
  int32_t depth;
  const int32_t *exponentials; /* 256 values */
} midge_softmax_s8_params;
void midge_softmax_s8(const midge_softmax_s8_params *params, const int8_t *input, int8_t *output);

/* exp(beta * (x - greatest)) over the row's sum. The output may start at the same byte as the input. */
typedef struct {
  int32_t rows;
  int32_t depth;
  float beta; /* finite, 0 or more */
} midge_softmax_f32_params;
void midge_softmax_f32(const midge_softmax_f32_params *params, const float *input, float *output);

/* ---- Weights of which many are zero --------------------------------------------------------------------------- */

/* What follows computes the layers of the sections above from their other weights; records as there.
 *
 * A list holds the weights of one output channel. The inputs are cut into segments of 256, and for each of them the list
 * has a word with the number of its weights that are not zero, then a word for each: the input's place in the segment in
 * the lower byte, the weight in the upper one. Lists lie one behind the other. The sum of
 * the magnitudes of a channel's weights is below 2^15. */

/* Convolution with 1x1 filters, dilation 1, no padding and one group, up to eight pixels of a row at a time. All right
 * shifts are at least 2. Scratch: 16 * input_channels bytes. The output may overlap the input where none of the outputs
 * of eight pixels lies behind the first byte that later ones read. */
typedef struct {
  midge_window window;
  const uint16_t *lists;
  const int32_t *records;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_conv_2d_sparse_s8_params;
void midge_conv_2d_sparse_s8(const midge_conv_2d_sparse_s8_params *params, const int8_t *input, int8_t *output,
                             void *scratch);

/* Fully connected layer; shifts likewise. */
typedef struct {
  int32_t batches;
  int32_t depth;
  int32_t output_channels;
  const uint16_t *lists;
  const int32_t *records;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_fully_connected_sparse_s8_params;
void midge_fully_connected_sparse_s8(const midge_fully_connected_sparse_s8_params *params, const int8_t *input,
                                     int8_t *output);

/* The same from blocks of four output channels and two inputs each, those of zeros left out. A segment is 256 columns of
 * blocks. For every four channels and segment, `places` has a byte with half the number of its blocks, then a byte for
 * each: its column in the segment; an odd number is filled up with any column and a block of zeros. The blocks take two
 * words each. Records are filled up to a multiple of four channels.
 * midge_fully_connected_blocks_s8: as bytes, the four channels' weights of one input, then of the other. Scratch: depth + 1
 * bytes if the depth is odd, else none (may be null).
 * midge_fully_connected_block_pairs_s8: as in src/pairs.h, 256 * odd channel + even channel; a word holds two channels for
 * both inputs. The sum of absolute weights of every odd channel is below 2^16. Scratch: twice the depth, filled up to
 * whole words. */
typedef struct {
  int32_t batches;
  int32_t depth;
  int32_t output_channels;
  const uint8_t *places;
  const int32_t *blocks;
  const int32_t *records;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_fully_connected_blocks_s8_params;
void midge_fully_connected_blocks_s8(const midge_fully_connected_blocks_s8_params *params, const int8_t *input,
                                     int8_t *output, void *scratch);
typedef midge_fully_connected_blocks_s8_params midge_fully_connected_block_pairs_s8_params;
void midge_fully_connected_block_pairs_s8(const midge_fully_connected_block_pairs_s8_params *params,
                                          const int8_t *input, int8_t *output, void *scratch);

/* 1x1 convolution as midge_conv_2d_sparse_s8 from blocks as in midge_fully_connected_blocks_s8, up to four pixels of a row
 * at a time. Scratch: 8 bytes for every begun two input channels. */
typedef struct {
  midge_window window;
  const uint8_t *places;
  const int32_t *blocks;
  const int32_t *records;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_conv_2d_blocks_s8_params;
void midge_conv_2d_blocks_s8(const midge_conv_2d_blocks_s8_params *params, const int8_t *input, int8_t *output,
                             void *scratch);

/* The same from blocks as in midge_fully_connected_block_pairs_s8, two pixels at a time. For every four channels there is
 * a word with half the number of their blocks, then for every two blocks a word with 8 * column of the first one and, in
 * its upper half, of the second one, then their four words. At most 16,384 input channels. The third word of a record
 * holds 2^(32 - shift). Scratch likewise. */
typedef struct {
  midge_window window;
  const int32_t *groups;
  const int32_t *records;
  int32_t output_zero_point;
  int32_t activation_min;
  int32_t activation_max;
} midge_conv_2d_block_pairs_s8_params;
void midge_conv_2d_block_pairs_s8(const midge_conv_2d_block_pairs_s8_params *params, const int8_t *input,
                                  int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
