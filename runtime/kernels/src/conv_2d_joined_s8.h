/* Control flow of midge_conv_2d_joined_s8, inline so that a layer with constant shapes can have its own instance. */
#ifndef MIDGE_CONV_2D_JOINED_S8_H
#define MIDGE_CONV_2D_JOINED_S8_H

#include "joined.h"

static inline void midge_conv_2d_joined_s8_body(const midge_conv_2d_joined_s8_params *params, const int8_t *input,
                                                int8_t *output, void *scratch) {
  const midge_window *window = &params->window;
  const int32_t depth = window->filter_height * window->filter_width * window->input_channels;
  int32_t left = window->batches * window->output_height * ((window->output_width + 1) / 2);
  int8_t *buffer = params->buffer_offset == 0 ? NULL : (int8_t *)scratch + params->buffer_offset;
  midge_joined_place band = {input, output, 0, 0};

  for (; left > 0; left -= params->band_steps) {
    const int32_t steps = left < params->band_steps ? left : params->band_steps;
    const int8_t *weights = params->weights;
    midge_joined_place place = band;
    for (int32_t channel = 0; channel < window->output_channels; channel += params->block_channels) {
      const int32_t channels = midge_joined_channels(params, channel);
      int32_t *end = (int32_t *)scratch + 2 * params->block_channels;
      for (int32_t done = 0; done < channels; done += params->group_channels) {
        end = midge_joined_expand_s8(weights, depth, end);
        weights += (ptrdiff_t)params->group_channels * depth;
      }
      place = band;
      place.output = buffer == NULL ? band.output : buffer;
      midge_joined_body(params, channel, channels, midge_joined_dot_s8, scratch, &place, steps);
    }
    if (buffer != NULL) {
      place.output = midge_joined_copy(buffer, place.output, band.output);
    }
    band = place;
  }
}

#endif
