/* The inner loops: the few functions that an instruction set replaces. arch/portable/ holds the specification of each;
 * a file of the same name in another arch folder takes its place and computes the same bits. Kernels in src/ call
 * them and keep all other control flow.
 *
 * "Interleaved by four" means that the weights of four channels alternate: element i of channel j lies at 4*i + j.
 * Sums of int8 products are exact: no loop adds up more than 131,071 of them.
 */
#ifndef MIDGE_INNER_LOOPS_H
#define MIDGE_INNER_LOOPS_H

#include <stddef.h>
#include <stdint.h>

#include "fields.h"
#include "midge/kernels.h"
#include "winograd.h"

/* sum[j] = the dot product of an input and channel j of weights interleaved by four, j in [0, 4). The input consists of
 * `runs` stretches of `length` elements, `stride` elements from the start of one to the start of the next. */
void midge_dot4_s8(const int8_t *input, int32_t runs, int32_t length, int32_t stride, const int8_t *weights,
                   int32_t sum[4]);

/* The same for the dense weights of one channel. */
int32_t midge_dot1_s8(const int8_t *input, int32_t runs, int32_t length, int32_t stride, const int8_t *weights);

/* The same on floats. Each sum starts from what it holds, the bias, and adds in the input's order: so does XNNPACK, and
 * the results stay within a rounding of its. */
void midge_dot4_f32(const float *input, int32_t runs, int32_t length, int32_t stride, const float *weights,
                    float sum[4]);
float midge_dot1_f32(const float *input, int32_t runs, int32_t length, int32_t stride, const float *weights,
                     float sum);

/* sum[j] = the dot product of channel j of a window and channel j of weights interleaved by four, j in [0, 4). The
 * window has `rows` rows of `columns` pixels; row_stride and column_stride count elements. */
void midge_depthwise4_s8(const int8_t *window, int32_t rows, int32_t row_stride, int32_t columns, int32_t column_stride,
                         const int8_t *weights, int32_t sum[4]);

/* The same for one channel. */
int32_t midge_depthwise1_s8(const int8_t *window, int32_t rows, int32_t row_stride, int32_t columns,
                            int32_t column_stride, const int8_t *weights);

/* The same on floats; each sum starts from 0 and adds row by row, bit for bit as LiteRT's reference kernel does: where
 * a layer of the dynamic-range form follows, any other rounding might become a step of its quantization. */
void midge_depthwise4_f32(const float *window, int32_t rows, int32_t row_stride, int32_t columns, int32_t column_stride,
                          const float *weights, float sum[4]);
float midge_depthwise1_f32(const float *window, int32_t rows, int32_t row_stride, int32_t columns,
                           int32_t column_stride, const float *weights);

/* Adds four channels of a window's pixels to sum[0] to sum[3]; at least one row and one column. The strides count
 * elements. */
void midge_pool_sum4_s8(const int8_t *first, int32_t rows, int32_t row_stride, int32_t columns, int32_t column_stride,
                        int32_t sum[4]);

/* One row of the last axis of an addition; see midge_add_s8. The output may be either operand. */
void midge_add_row_s8(const midge_add_s8_params *params, const int8_t *row1, const int8_t *row2, int8_t *output);

/* The same for a product; see midge_mul_s8. */
void midge_mul_row_s8(const midge_mul_s8_params *params, const int8_t *row1, const int8_t *row2, int8_t *output);

/* The first `quads` times four elements of a weighted sum, at least one. The output may be either operand. */
void midge_weighted_sum_quads_s8(const midge_weighted_sum_s8_params *params, const int8_t *input1, const int8_t *input2,
                                 int8_t *output, int32_t quads);

/* All output channels of `pixels` output pixels next to each other. `window` is the first pixel's window in the padded
 * int16 image, the next one lies `pixel_stride` elements on. May read one element behind a window. */
void midge_wide_conv_s8(const midge_conv_2d_wide_s8_params *params, const int16_t *window, int32_t pixel_stride,
                        int32_t pixels, int8_t *output);

/* The same on a padded int8 image, for midge_conv_2d_dot_s8. May read three elements behind a window. */
void midge_dot_conv_s8(const midge_conv_2d_dot_s8_params *params, const int8_t *window, int32_t pixel_stride,
                       int32_t pixels, int8_t *output);

/* The same for a depthwise convolution. May read seven elements behind a window. */
void midge_wide_depthwise_s8(const midge_depthwise_conv_2d_wide_s8_params *params, const int16_t *window,
                             int32_t pixel_stride, int32_t pixels, int8_t *output);

/* Adds the sums of one segment's entries to sums[1 + output], for the outputs 0 to 6 * blocks - 2 of a line, and
 * 2^20 to each; see fields.h. sums[0] and sums[6 * blocks] are halves of outputs and mean nothing. An entry's `step` is
 * added before its words are read, and the stream has a multiple of 8 entries. */
void midge_fields_accumulate_s8(const int32_t *line, const midge_fields_entry *entry, const midge_fields_entry *end,
                                int32_t *sums, int32_t blocks);

/* Writes the words of `count` entries, at least one, from three taps each, in the form for taps at an odd or an even
 * distance. Returns the end of the weights. */
const int8_t *midge_fields_expand_s8(const int8_t *weights, midge_fields_entry *entry, int32_t count, int32_t is_odd);

/* Sets the sums of `blocks` blocks, at least one, 6 * blocks + 1 words, to a bias. */
void midge_fields_fill(int32_t *sums, int32_t bias, int32_t blocks);

/* Copies words to an earlier place, which they may overlap. */
void midge_fields_move(int32_t *target, const int32_t *source, int32_t words);

/* Scales, clamps and stores the sums, biases included, of one channel's pixels. */
void midge_fields_finish_s8(const int32_t *sums, int32_t pixels, const midge_fields_scale *scale, int8_t *output);

/* What the loops over pairs of channels (see pairs.h) work on. Assembly reads it as words in this order. */
typedef struct {
  int16_t *patch; /* the inputs, widened by midge_pairs_widen_s8 or midge_pairs_widen_row_s8 */
  int16_t *patch_end;
  int8_t *output[2]; /* where the channels of the two pixels go */
  const int32_t *blocks_end;
  int32_t zero_point; /* of the output */
  int32_t low;
  int32_t high;
  const int32_t *blocks; /* at least one; see midge_conv_2d_pairs_s8 */
  /* The rest is for midge_pairs_conv*_s8 only. */
  const int8_t *input; /* the first pixel's inputs, to be widened to the patch; see midge_pairs_widen_s8 */
  int32_t distance;    /* bytes from a pair's first pixel's inputs to the second's */
  int32_t gap;         /* bytes from the end of a run to the next run */
  int32_t runs;
  int32_t quads;       /* of a run; 0 if the patch is widened already */
  int32_t advance;     /* bytes from a pair's inputs to the next pair's */
  int32_t count;       /* pairs of pixels, at least 1, or exactly 1 if quads is 0 */
  int32_t channels;    /* of an output pixel; all of them are in the blocks if there are several pairs */
} midge_pairs_job;

/* All blocks for pairs of output pixels; for `linear` and `relu` see midge_conv_2d_pairs_linear_s8. */
void midge_pairs_conv_s8(const midge_pairs_job *job);
void midge_pairs_conv_linear_s8(const midge_pairs_job *job);
void midge_pairs_conv_relu_s8(const midge_pairs_job *job);

/* The same in more instructions and fewer cycles. */
void midge_pairs_conv_ldr_linear_s8(const midge_pairs_job *job);
void midge_pairs_conv_ldr_relu_s8(const midge_pairs_job *job);

/* The same for one output pixel, which goes to output[0]. The patch holds a multiple of eight inputs. */
void midge_pairs_row_s8(const midge_pairs_job *job);
void midge_pairs_row_linear_s8(const midge_pairs_job *job);
void midge_pairs_row_relu_s8(const midge_pairs_job *job);

/* The loops of packed.h: for pairs of output pixels, and for one. */
void midge_nibbles_conv_s8(const midge_pairs_job *job);
void midge_nibbles_row_s8(const midge_pairs_job *job);
void midge_codebook_conv_s8(const midge_pairs_job *job);
void midge_codebook_row_s8(const midge_pairs_job *job);

/* Writes the values of 2 * bytes indices, those in the low halves first; at least one byte. */
void midge_unpack_codes_s8(const int8_t codebook[16], const uint8_t *codes, int32_t bytes, int8_t *target);

/* Where the inputs of one output pixel lie: runs, `stride` bytes from the start of one to the start of the next. */
typedef struct {
  const int8_t *first;
  ptrdiff_t stride;
} midge_pairs_source;

/* Widens the inputs of two output pixels to int16: `runs` runs of 4 * quads bytes each, at least one of both. A quad
 * becomes the words of its inputs 0 and 2, then 1 and 3; the words of the two pixels alternate. */
void midge_pairs_widen_s8(const midge_pairs_source source[2], int32_t runs, int32_t quads, int16_t *target);

/* The same for one pixel and one run of 8 * units bytes, which may be empty. */
void midge_pairs_widen_row_s8(const int8_t *input, int32_t units, int16_t *target);

/* All output channels of `pixels` pixels of midge_conv_2d_lanes_s8, whose windows begin `pixel_step` bytes apart; the
 * runs of a window begin `run_stride` bytes apart. */
void midge_lanes_conv_s8(const midge_conv_2d_lanes_s8_params *params, const int8_t *window, int32_t pixel_step,
                         int32_t run_stride, int32_t pixels, int8_t *output);

/* The same where a window is one run of at most 16 bytes. The outputs of up to 32 pixels are written before their windows
 * have been read for the last time. */
void midge_lanes_short_conv_s8(const midge_conv_2d_lanes_s8_params *params, const int8_t *window, int32_t pixel_step,
                               int32_t pixels, int8_t *output);

/* Copies `pixels` interior windows, which begin `pixel_step` bytes apart, for midge_conv_2d_lanes_s8. */
void midge_gather_windows_s8(const midge_conv_2d_lanes_s8_params *params, const int8_t *first, int32_t pixel_step,
                             int32_t pixels, int8_t *patches);

/* midge_gather_window for all channels of an int8 image; dilation_width is 1. */
void midge_gather_clipped_s8(const midge_window *window, const int8_t *image, int32_t y, int32_t x, int32_t padding,
                             int8_t *patch);

/* What the loops over planes (see midge_depthwise_conv_2d_planes_s8) work on: a run of one channel. Assembly reads it as
 * words in this order and may change all but what stands before `output`. Weights are pairs like the pixels. */
typedef struct {
  int32_t upper[3];       /* rows 0 and 1 of a 3x3 filter, by column */
  int32_t lower[3];       /* rows 1 and 2 */
  int32_t start;          /* the channel's record */
  int32_t multiplier;
  int32_t offset;
  int32_t shift;
  int8_t *output;         /* the first block's */
  int32_t column_step;    /* of the run, as the next four */
  const int32_t *last;    /* for the loop's own use */
  int32_t row_step;
  int32_t output_columns; /* at least 2; where odd, the last block steps back by one column */
  int32_t rows;
  int32_t advance;
  int32_t pitch;          /* bytes from one pair of pixel rows to the next */
  int32_t column_stride;  /* bytes from one output column's pixels to the next one's */
  const int32_t *plane;   /* the first block's first word */
  const int32_t *weights; /* for any filter: [reach][columns], upper and lower output row's by turns */
  int32_t columns;        /* that a window begins in */
  int32_t reach;          /* pairs of rows likewise */
  int32_t count;          /* for the loop's own use */
} midge_planes_job;

/* A 3x3 filter with stride 1 in blocks of two rows and of one row; with stride 2. Those without `exact` round once. */
void midge_planes_rows_3x3_s8(midge_planes_job *job);
void midge_planes_rows_3x3_exact_s8(midge_planes_job *job);
void midge_planes_row_3x3_s8(midge_planes_job *job);
void midge_planes_row_3x3_exact_s8(midge_planes_job *job);
void midge_planes_row_3x3_stride2_s8(midge_planes_job *job);
void midge_planes_row_3x3_stride2_exact_s8(midge_planes_job *job);

/* Any filter, in blocks of two rows; for runs of one row it may store both at the same place, the upper one last. */
void midge_planes_taps_s8(midge_planes_job *job);
void midge_planes_taps_exact_s8(midge_planes_job *job);

/* Pairs up the pixels of two rows for four channels: word x of plane c becomes bytes x * step0 + c of row0 and
 * x * step1 + c of row1, for x in [0, columns), columns at least 1. The planes lie plane_bytes apart. */
typedef struct {
  const int8_t *row0;
  const int8_t *row1;
  int32_t step0;
  int32_t step1;
  int32_t *plane;
  int32_t plane_bytes;
  int32_t columns;
} midge_planes_pack;
void midge_planes_pack_s8(const midge_planes_pack *pack);

/* Transforms the tiles of one row, B^T d B, for the two channels of word `word` of `words`. `strip` holds [2 * columns +
 * 2][words / 2] groups of four rows' words, each four channels of one pixel; tile t, of `columns` tiles, goes to
 * tiles[t / 4][16][words][t % 4]. See winograd.h for all three. */
void midge_winograd_transform_s8(const int32_t *strip, int32_t words, int32_t word, int32_t columns, int32_t *tiles);

/* products[place][tile][channel] = the dot products of block[place][words][tile] and weights[place][words][channel], of
 * four tiles and two output channels, modulo 2^32; words is a multiple of 4. */
void midge_winograd_multiply_s16(const int32_t *block, const int32_t *weights, int32_t words, int32_t *products);

/* Transforms the products of one output channel back, A^T m A, for up to four tiles, scales, clamps and stores them. */
void midge_winograd_finish_s8(const int32_t *products, int32_t tiles, const midge_winograd_scale *scale,
                              int8_t *output);

/* Interleaves rows for midge_depthwise_conv_2d_words_s8: bytes i of four rows become word i. `groups` times 16 bytes,
 * `advance` bytes from one 16 to the next, then `rest` more, below 16, for which 64 bytes may be written. A null row
 * counts as one of zero points. */
void midge_interleave_rows_s8(const int8_t *const rows[4], int32_t groups, int32_t advance, int32_t rest,
                              int32_t zero_point, int8_t *words);

/* `pixels` outputs next to each other of `channels` channels from `channel` on. `words` is the first of them of the first
 * window, `output` the first pixel's; `sums` has room for four times the pixels if there are several vectors. */
void midge_words_depthwise_s8(const midge_depthwise_conv_2d_words_s8_params *params, const int8_t *words,
                              int32_t channel, int32_t channels, int32_t pixels, int8_t *output, int32_t *sums);

/* All channels of one window of an average or maximum pool: `rows` rows of `columns` pixels from `first` on, at least
 * one of each. */
void midge_average_window_s8(const midge_average_pool_2d_s8_params *params, const int8_t *first, int32_t rows,
                             int32_t columns, int8_t *output);
void midge_max_window_s8(const midge_max_pool_2d_s8_params *params, const int8_t *first, int32_t rows, int32_t columns,
                         int8_t *output);

/* The outputs along the last kept axis of midge_mean_s8. */
void midge_mean_row_s8(const midge_mean_s8_params *params, const int8_t *first, int8_t *output);

/* Raises bytes below `low` to it and lowers those above `high`, both in [-128, 127]. */
void midge_clamp_bytes_s8(int8_t *bytes, int32_t count, int32_t low, int32_t high);

/* See midge_lookup_s8. */
void midge_lookup_bytes_s8(const int8_t *table, int32_t count, const uint8_t *input, int8_t *output);

#endif
