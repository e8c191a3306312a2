#include "joined.h"
#include "requantize.h"

/* A header is the number of elements in its segment, 0 at the end of a run; the group's channels ride along. */

int32_t midge_segments_expand_s8(const midge_conv_2d_segments_s8_params *params, const int8_t *weights, int32_t segment,
                                 int32_t **words) {
  const midge_window *window = &params->window;
  const int32_t length = window->filter_width * window->input_channels;
  const int32_t group = params->group_channels;
  int32_t *target = *words;

  for (int32_t run = 0; run < window->filter_height; ++run) {
    for (int32_t left = length; left > 0;) {
      const int32_t elements = midge_segment_length(params, segment++);
      *target++ = elements | group << 8;
      for (int32_t i = 0; i < elements * group; i += 2) {
        *target++ = weights[0] + weights[1] * (1 << 16);
        weights += 2;
      }
      left -= elements;
    }
    *target++ = group << 8;
  }
  *words = target;
  return segment;
}

/* One group; returns the next one's words. */
static const int32_t *group_sums(const midge_joined_job *job, const int32_t *words, int32_t group, int32_t *sums) {
  const int32_t step = job->sum_step / 4;
  ptrdiff_t offset = 0;

  for (int32_t i = 0; i < group; ++i) {
    sums[i] = 0;
    sums[step + i] = 0;
  }
  for (int32_t run = 0; run < job->runs; ++run) {
    for (int32_t left = *words++ & 0xFF; left > 0; left = *words++ & 0xFF) {
      for (int32_t pixel = 0; pixel < 2; ++pixel) {
        for (int32_t channel = 0; channel < group; channel += 2) {
          int32_t *sum = sums + pixel * step + channel;
          int32_t both = 1 << 15;
          for (int32_t i = 0; i < left; ++i) {
            both += job->pixel[pixel][offset + i] * words[(i * group + channel) / 2];
          }
          sum[0] = midge_add_wrap(sum[0], both & 0xFFFF);
          sum[1] += both >> 16;
        }
      }
      words += left * group / 2;
      offset += left;
    }
    offset += job->gap;
  }
  return words;
}

void midge_segments_dot_s8(midge_joined_job *job) {
  const int32_t group = *job->words >> 8;

  for (; job->groups > 0; --job->groups) {
    job->words = group_sums(job, job->words, group, job->sum);
    job->sum += group;
  }
}
