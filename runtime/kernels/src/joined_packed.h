/* What conv_2d_segments_packed and conv_2d_joined_packed share: joined.h with weights of four bits, which are unpacked
 * for one group of channels at a time into the last bytes before the patch. The group's expanded words overwrite them
 * from behind: twice as long as the weights at least, they end no later, and so never overtake the reading. */
#ifndef MIDGE_JOINED_PACKED_H
#define MIDGE_JOINED_PACKED_H

#include <stddef.h>
#include <stdint.h>

#include "inner_loops.h"
#include "joined.h"

/* Expands one group; see midge_segments_expand_s8. */
typedef int32_t (*midge_joined_expand)(const midge_conv_2d_joined_s8_params *params, const int8_t *weights,
                                       int32_t segment, int32_t **words);

static inline void midge_joined_packed_body(const midge_conv_2d_joined_s8_params *params, midge_joined_expand expand,
                                            midge_joined_loop dot, const int8_t *input, int8_t *output,
                                            void *scratch) {
  const midge_window *window = &params->window;
  const int32_t group_bytes = window->filter_height * window->filter_width * window->input_channels *
                              params->group_channels;
  int8_t *unpacked = (int8_t *)scratch + params->patch_offset - group_bytes;
  int32_t left = window->batches * window->output_height * ((window->output_width + 1) / 2);
  int8_t *buffer = params->buffer_offset == 0 ? NULL : (int8_t *)scratch + params->buffer_offset;
  midge_joined_place band = {input, output, 0, 0};

  for (; left > 0; left -= params->band_steps) {
    const int32_t steps = left < params->band_steps ? left : params->band_steps;
    const uint8_t *codes = (const uint8_t *)params->weights + 16;
    midge_joined_place place = band;
    int32_t segment = 0;
    for (int32_t channel = 0; channel < window->output_channels; channel += params->block_channels) {
      const int32_t channels = midge_joined_channels(params, channel);
      int32_t *end = (int32_t *)scratch + 2 * params->block_channels;
      for (int32_t done = 0; done < channels; done += params->group_channels) {
        midge_unpack_codes_s8(params->weights, codes, group_bytes / 2, unpacked);
        segment = expand(params, unpacked, segment, &end);
        codes += group_bytes / 2;
      }
      place = band;
      place.output = buffer == NULL ? band.output : buffer;
      midge_joined_body(params, channel, channels, dot, scratch, &place, steps);
    }
    if (buffer != NULL) {
      place.output = midge_joined_copy(buffer, place.output, band.output);
    }
    band = place;
  }
}

#endif
