/* Two output channels in one int16: what the kernels conv_2d_pairs and fully_connected_pairs share.
 *
 * A signed 16-bit multiplication by 256 * high + low accumulates 256 * sum_high + sum_low; one by low alone gives
 * sum_low, and the difference of both is 256 * sum_high. Two channels thus take one unpacking step, not two, and no
 * more memory than their bytes. It is exact as long as |sum_high| < 2^23, which the compiler of the model checks.
 */
#ifndef MIDGE_PAIRS_H
#define MIDGE_PAIRS_H

#include <stddef.h>
#include <stdint.h>

#include "inner_loops.h"
#include "memory_functions.h"
#include "requantize.h"

/* Words that a block takes beside its weights: a record for each of its four channels. */
#define MIDGE_PAIRS_RECORDS 12

/* Copies one word between any addresses. */
static inline void midge_pairs_copy_word(int8_t *target, const int8_t *source) { memcpy(target, source, 4); }

/* Copies `rows` stretches of `bytes` bytes; the last word of each overlaps the one before it. */
static inline void midge_pairs_copy_rows(int8_t *target, ptrdiff_t target_stride, const int8_t *source,
                                         ptrdiff_t source_stride, int32_t rows, int32_t bytes) {
  const int32_t last = bytes - 4;
  for (; rows > 0; --rows) {
    if (last > 8) {
      for (int32_t i = 0; i < last; i += 4) {
        midge_pairs_copy_word(target + i, source + i);
      }
      midge_pairs_copy_word(target + last, source + last);
    } else if (last > 4) {
      midge_pairs_copy_word(target, source);
      midge_pairs_copy_word(target + 4, source + 4);
      midge_pairs_copy_word(target + last, source + last);
    } else if (last >= 0) {
      midge_pairs_copy_word(target, source);
      midge_pairs_copy_word(target + last, source + last);
    } else {
      for (int32_t i = 0; i < bytes; ++i) {
        target[i] = source[i];
      }
    }
    target += target_stride;
    source += source_stride;
  }
}

/* Runs `loop` on all blocks. A last block of less than four channels goes through a buffer of its own, so that nothing
 * is stored behind a pixel; there is one pair of pixels then. The job lacks blocks and outputs; `output` is where the
 * first pixel's channels go, the second's go `stride` bytes on, or 0. */
static inline void midge_pairs_all_channels(void (*loop)(const midge_pairs_job *), midge_pairs_job *job,
                                            const int32_t *blocks, int32_t block_words, int32_t channels,
                                            int8_t *output, ptrdiff_t stride) {
  const int32_t left_over = channels & 3;
  job->blocks = blocks;
  job->blocks_end = blocks + (ptrdiff_t)(channels >> 2) * block_words;
  job->output[0] = output;
  job->output[1] = output + stride;
  if (channels > left_over) {
    loop(job);
    job->quads = 0; /* they are widened by now, and may be overwritten */
  }
  if (left_over > 0) {
    int8_t spare[8];
    job->blocks = job->blocks_end;
    job->blocks_end += block_words;
    job->output[0] = spare;
    job->output[1] = spare + 4;
    loop(job);
    output += channels - left_over;
    for (int32_t channel = 0; channel < left_over; ++channel) {
      output[channel + stride] = spare[channel + 4];
      output[channel] = spare[channel];
    }
  }
}

/* How a sum is scaled, by a record whose last word is a shift or a power of two to multiply with. */
typedef int8_t (*midge_pairs_scale)(int32_t sum, const int32_t record[3], const midge_pairs_job *job);

static inline int8_t midge_pairs_shift(int32_t sum, const int32_t record[3], const midge_pairs_job *job) {
  return midge_requantize_record_s8(sum, record, job->zero_point, job->low, job->high);
}

/* A rounded division by 2^(32 - n) is a rounded high product with 2^n. */
static inline int8_t midge_pairs_multiply(int32_t sum, const int32_t record[3], const midge_pairs_job *job) {
  const int32_t x = midge_add_wrap(sum, record[0]);
  const int32_t scaled = x + (int32_t)(((int64_t)x * record[1] + ((int64_t)1 << 31)) >> 32);
  const int32_t signless = scaled + (scaled >> 31);
  const int32_t shifted = (int32_t)(((int64_t)signless * record[2] + ((int64_t)1 << 31)) >> 32);
  return (int8_t)midge_clamp(shifted + job->zero_point, -128, 127);
}

/* One block for `pixels` pixels, 1 or 2, which have been widened: `words` words each. */
static inline void midge_pairs_block(const int32_t *block, const int16_t *patch, int32_t words, int32_t pixels,
                                     midge_pairs_scale scale, const midge_pairs_job *job, int8_t *const output[2]) {
  const int32_t *weights = block + 2;
  const int32_t *rest = weights + 2 * words;
  const int32_t records[4][3] = {{block[0], rest[2], rest[3]},
                                 {rest[0], rest[4], rest[5]},
                                 {block[1], rest[6], rest[7]},
                                 {rest[1], rest[8], rest[9]}};
  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    int32_t sum[4] = {0, 0, 0, 0};
    for (int32_t word = 0; word < words; ++word) {
      for (int32_t half = 0; half < 2; ++half) {
        const int32_t x = patch[2 * (word * pixels + pixel) + half];
        for (int32_t pair = 0; pair < 2; ++pair) {
          const int32_t both = (int16_t)(uint16_t)((uint32_t)weights[2 * word + pair] >> (16 * half));
          const int32_t low = (int8_t)(uint8_t)(both & 255);
          sum[2 * pair] += low * x;
          sum[2 * pair + 1] += (both - low) / 256 * x;
        }
      }
    }
    for (int32_t channel = 0; channel < 4; ++channel) {
      output[pixel][channel] = scale(sum[channel], records[channel], job);
    }
  }
}

/* The specification of the loops: `pixels` is 1 or 2. */
static inline void midge_pairs_blocks(const midge_pairs_job *job, int32_t pixels, midge_pairs_scale scale) {
  const int32_t words = (int32_t)(job->patch_end - job->patch) / (2 * pixels);
  const int8_t *input = job->input;
  int8_t *output[2] = {job->output[0], job->output[1]};

  for (int32_t pair = pixels == 2 ? job->count : 1; pair > 0; --pair) {
    if (pixels == 2 && job->quads > 0) {
      const ptrdiff_t stride = 4 * job->quads + job->gap;
      const midge_pairs_source sources[2] = {{input, stride}, {input + job->distance, stride}};
      midge_pairs_widen_s8(sources, job->runs, job->quads, job->patch);
      input += job->advance;
    }
    for (const int32_t *block = job->blocks; block != job->blocks_end; block += 2 * words + MIDGE_PAIRS_RECORDS) {
      midge_pairs_block(block, job->patch, words, pixels, scale, job, output);
      output[0] += 4;
      output[1] += 4;
    }
    output[0] = output[1];
    output[1] = output[0] + job->channels;
  }
}

#endif
