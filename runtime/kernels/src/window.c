#include "window.h"

#include <stddef.h>

#include "memory_functions.h"

/* How many of `columns` columns lie outside, if `excess` do or none. */
static size_t columns_outside(int32_t excess, int32_t columns) {
  return (size_t)(excess <= 0 ? 0 : excess < columns ? excess : columns);
}

void midge_gather_window(const midge_window *window, const void *image, int32_t element_size, int32_t y, int32_t x,
                         int32_t channel_offset, int32_t channels, int8_t padding, void *patch) {
  const size_t bytes = (size_t)channels * (size_t)element_size;
  const size_t pixel = (size_t)window->input_channels * (size_t)element_size;
  const uint8_t *source = (const uint8_t *)image + (size_t)channel_offset * (size_t)element_size;
  uint8_t *target = patch;
  /* Where a window's row is one stretch of the image's, it is copied as one. */
  const int whole_rows = window->dilation_width == 1 && bytes == pixel;
  const size_t row_bytes = (size_t)window->filter_width * bytes;
  const size_t before = columns_outside(-x, window->filter_width);
  const size_t after =
      columns_outside(x + window->filter_width - window->input_width, window->filter_width - (int32_t)before);

  for (int32_t row = 0; row < window->filter_height; ++row) {
    const int32_t in_y = y + row * window->dilation_height;
    const int inside = in_y >= 0 && in_y < window->input_height;
    if (whole_rows) {
      const size_t head = inside ? before * pixel : row_bytes;
      const size_t body = inside ? row_bytes - (before + after) * pixel : 0;
      const size_t first = (size_t)in_y * (size_t)window->input_width + (size_t)(x < 0 ? 0 : x);
      memset(target, padding, head);
      if (body != 0) {
        memcpy(target + head, source + first * pixel, body);
      }
      memset(target + head + body, padding, row_bytes - head - body);
      target += row_bytes;
      continue;
    }
    for (int32_t column = 0; column < window->filter_width; ++column) {
      const int32_t in_x = x + column * window->dilation_width;
      if (inside && in_x >= 0 && in_x < window->input_width) {
        memcpy(target, source + ((size_t)in_y * (size_t)window->input_width + (size_t)in_x) * pixel, bytes);
      } else {
        memset(target, padding, bytes);
      }
      target += bytes;
    }
  }
}

static int16_t *fill(int16_t *target, int32_t count, int32_t value) {
  for (int32_t i = 0; i < count; ++i) {
    target[i] = (int16_t)value;
  }
  return target + count;
}

void midge_widen_image(const midge_window *window, int32_t padded_height, int32_t padded_width, int32_t padding,
                       const int8_t *image, int16_t *padded) {
  const int32_t channels = window->input_channels;
  const int32_t top = window->padding_top;
  const int32_t left = window->padding_left;
  const int32_t fitting_height = padded_height - top;
  const int32_t fitting_width = padded_width - left;
  const int32_t height = fitting_height < window->input_height ? fitting_height : window->input_height;
  const int32_t width = fitting_width < window->input_width ? fitting_width : window->input_width;

  padded = fill(padded, top * padded_width * channels, padding);
  for (int32_t y = 0; y < height; ++y) {
    padded = fill(padded, left * channels, padding);
    for (int32_t i = 0; i < width * channels; ++i) {
      padded[i] = image[i];
    }
    padded = fill(padded + width * channels, (fitting_width - width) * channels, padding);
    image += window->input_width * channels;
  }
  fill(padded, (fitting_height - height) * padded_width * channels, padding);
}
