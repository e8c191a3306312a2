/* Control flow of midge_depthwise_conv_2d_planar_s8, inline so that a layer with constant shapes can have its own
 * instance. */
#ifndef MIDGE_DEPTHWISE_CONV_2D_PLANAR_S8_H
#define MIDGE_DEPTHWISE_CONV_2D_PLANAR_S8_H

#include <stddef.h>

#include "finish.h"
#include "memory_functions.h"
#include "midge/kernels.h"
#include "planar.h"

/* The inner loop for the filter, its stride and the type of the inputs in the plane. */
static inline midge_planar_row midge_planar_choose(const midge_depthwise_conv_2d_planar_s8_params *params) {
  const midge_window *window = &params->window;
  const int is_unsigned = params->input_offset != 0;

  if (window->filter_height != 3 || window->filter_width != 3 || window->stride_width > 2) {
    return is_unsigned ? midge_planar_row_u8 : midge_planar_row_s8;
  }
  if (window->stride_width == 2) {
    return is_unsigned ? midge_planar_row_3x3_stride2_u8 : midge_planar_row_3x3_stride2_s8;
  }
  return is_unsigned ? midge_planar_row_3x3_u8 : midge_planar_row_3x3_s8;
}

/* All rows of one output channel. */
static inline void midge_planar_channel(const midge_depthwise_conv_2d_planar_s8_params *params, midge_planar_job *job,
                                        const int8_t *plane, const int32_t *record, int8_t *output) {
  const midge_window *window = &params->window;
  const midge_output_range range = {params->output_zero_point, params->activation_min, params->activation_max};
  const midge_planar_row compute = midge_planar_choose(params);

  for (int32_t row = 0; row < window->output_height; ++row) {
    job->plane = plane;
    compute(job);
    midge_finish_pixels_s8(&range, job->sums, record, job->count, output, params->output_column_step);
    plane += window->stride_height * params->padded_width;
    output += params->output_row_step;
  }
}

static inline void midge_depthwise_conv_2d_planar_s8_body(const midge_depthwise_conv_2d_planar_s8_params *params,
                                                          const int8_t *input, int8_t *output, void *scratch) {
  const midge_window *window = &params->window;
  const int32_t taps = window->filter_height * window->filter_width;
  const ptrdiff_t pixels = (ptrdiff_t)window->input_height * window->input_width;
  const ptrdiff_t output_pixels = (ptrdiff_t)window->output_height * window->output_width;
  const int32_t rows = params->padded_height - window->padding_top;
  const int32_t columns = params->padded_width - window->padding_left;
  const int32_t copied_rows = rows < window->input_height ? rows : window->input_height;
  const int32_t copied_columns = columns < window->input_width ? columns : window->input_width;
  const int32_t depth_multiplier = window->output_channels / window->input_channels;
  int32_t *words = scratch;
  int8_t *plane = (int8_t *)(words + taps + window->output_width);
  int8_t *inner = plane + (ptrdiff_t)window->padding_top * params->padded_width + window->padding_left;
  midge_planar_job job = {NULL,
                          window->dilation_height * params->padded_width,
                          words,
                          words + taps,
                          window->output_width,
                          window->filter_height,
                          window->filter_width,
                          window->stride_width};

  memset(plane, params->input_zero_point + params->input_offset,
         (size_t)params->padded_height * (size_t)params->padded_width);
  for (int32_t batch = 0; batch < window->batches; ++batch) {
    const int8_t *weights = params->weights;
    const int32_t *record = params->records;
    int32_t channel = 0;
    for (int32_t plane_index = 0; plane_index < window->input_channels; ++plane_index) {
      for (int32_t row = 0; row < copied_rows; ++row) {
        midge_planar_copy_s8(input + plane_index + (ptrdiff_t)row * params->input_row_step, params->input_column_step,
                             copied_columns, params->input_offset, inner + (ptrdiff_t)row * params->padded_width);
      }
      for (int32_t end = channel + depth_multiplier; channel < end; ++channel) {
        for (int32_t tap = 0; tap < taps; ++tap) {
          words[tap] = *weights++;
        }
        midge_planar_channel(params, &job, plane, record, output + channel);
        record += 3;
      }
    }
    input += pixels * window->input_channels;
    output += output_pixels * window->output_channels;
  }
}

#endif
