#include "inner_loops.h"
#include "requantize.h"

/* B^T applied to four numbers, step apart. */
static void transform(int32_t *d, int32_t step) {
  const int32_t a = d[0];
  const int32_t b = d[step];
  const int32_t c = d[2 * step];
  d[0] = a - c;
  d[step] = b + c;
  d[2 * step] = c - b;
  d[3 * step] = b - d[3 * step];
}

/* The 16 places of one tile and channel; `byte` is the channel's place in the words. */
static void transform_tile(const int32_t *strip, int32_t words, int32_t byte, int32_t places[16]) {
  for (int32_t x = 0; x < 4; ++x) {
    for (int32_t y = 0; y < 4; ++y) {
      places[4 * x + y] = (int8_t)((uint32_t)strip[2 * words * x + y] >> (8 * byte));
    }
    transform(places + 4 * x, 1);
  }
  for (int32_t y = 0; y < 4; ++y) {
    transform(places + y, 4);
  }
}

void midge_winograd_transform_s8(const int32_t *strip, int32_t words, int32_t word, int32_t columns, int32_t *tiles) {
  for (int32_t tile = 0; tile < columns; ++tile) {
    const int32_t *pixels = strip + 2 * words * (2 * tile) + word / 2 * 4;
    int32_t *target = tiles + tile / 4 * (16 * words * 4) + word * 4 + tile % 4;
    int32_t low[16];
    int32_t high[16];
    transform_tile(pixels, words, word % 2, low);
    transform_tile(pixels, words, word % 2 + 2, high);
    for (int32_t place = 0; place < 16; ++place) {
      target[place * words * 4] = (int32_t)((uint32_t)(uint16_t)low[place] | (uint32_t)high[place] << 16);
    }
  }
}

void midge_winograd_multiply_s16(const int32_t *block, const int32_t *weights, int32_t words, int32_t *products) {
  for (int32_t place = 0; place < 16; ++place) {
    for (int32_t i = 0; i < 8; ++i) {
      products[i] = 0;
    }
    for (int32_t word = 0; word < words; ++word) {
      for (int32_t i = 0; i < 8; ++i) {
        const int32_t x = block[i / 2];
        const int32_t w = weights[i % 2];
        products[i] = midge_add_wrap(products[i], (int16_t)x * (int16_t)w + (x >> 16) * (w >> 16));
      }
      block += 4;
      weights += 2;
    }
    products += 8;
  }
}

/* A^T applied to four numbers, step apart. */
static void transform_back(const int32_t *m, int32_t step, int32_t *first, int32_t *second) {
  *first = midge_add_wrap(midge_add_wrap(m[0], m[step]), m[2 * step]);
  *second = midge_sub_wrap(midge_sub_wrap(m[step], m[2 * step]), m[3 * step]);
}

static int8_t finish(int32_t sum, const midge_winograd_scale *scale) {
  const int32_t x = (sum >> 2) + scale->bias;
  const int32_t scaled = x + (int32_t)(((int64_t)x * scale->multiplier + ((int64_t)1 << 31)) >> 32);
  const int32_t signless = scaled + (scaled >> 31);
  return (int8_t)midge_clamp((signless + scale->rounding) >> scale->shift, scale->minimum, scale->maximum);
}

void midge_winograd_finish_s8(const int32_t *products, int32_t tiles, const midge_winograd_scale *scale,
                              int8_t *output) {
  for (int32_t tile = 0; tile < tiles; ++tile) {
    int32_t rows[2][4];
    for (int32_t x = 0; x < 4; ++x) {
      transform_back(products + 32 * x, 8, &rows[0][x], &rows[1][x]);
    }
    for (int32_t y = 0; y < 2; ++y) {
      int32_t left;
      int32_t right;
      transform_back(rows[y], 1, &left, &right);
      int8_t *pixel = output + y * scale->row_stride;
      pixel[0] = finish(left, scale);
      pixel[scale->pixel_stride] = finish(right, scale);
    }
    products += 2;
    output += 2 * scale->pixel_stride;
  }
}
