// What all pooling kernels share: which cells a window covers.
#pragma once

#include <cstdint>

#include "tersor/base/attributes.h"
#include "tersor/base/tensor.h"

namespace tersor::kernels {

/// Rows or columns of an image.
struct CellRange {
  int64_t begin, end;
  [[gnu::always_inline]] int64_t size() const { return end - begin; }
};

/// Window (y, x) covers the cells of rows [y * stride_h - top, ... + window_h) and columns
/// [x * stride_w - left, ... + window_w) that lie inside the image. Files that are compiled for one
/// CPU level use what is always inlined.
struct PoolGeometry {
  int64_t batch, height, width, channels;
  int64_t output_height, output_width;
  int64_t window_h, window_w, stride_h, stride_w, top, left;
  bool count_padding;

  [[gnu::always_inline]] static CellRange Range(int64_t index, int64_t stride, int64_t before,
                                                int64_t window, int64_t extent) {
    const int64_t begin = index * stride - before, end = begin + window;
    return {begin < 0 ? 0 : begin, end < extent ? end : extent};
  }
  [[gnu::always_inline]] CellRange RowRange(int64_t y) const {
    return Range(y, stride_h, top, window_h, height);
  }
  [[gnu::always_inline]] CellRange ColumnRange(int64_t x) const {
    return Range(x, stride_w, left, window_w, width);
  }
  /// Cells that the mean of a window of so many covered cells divides by.
  [[gnu::always_inline]] int64_t Divisor(int64_t covered) const {
    return count_padding ? window_h * window_w : covered;
  }

  /// Two by two windows side by side, none of them cut by a border.
  [[gnu::always_inline]] bool IsTwoByTwo() const {
    return window_h == 2 && window_w == 2 && stride_h == 2 && stride_w == 2 && top == 0 &&
           left == 0 && 2 * output_height <= height && 2 * output_width <= width;
  }

  /// False unless both are images [N,H,W,C] that fit the attributes, and each window covers a cell.
  static bool Read(const Shape& input, const Shape& output, const Attributes& attributes,
                   PoolGeometry& geometry) {
    if (input.rank() != 4 || output.rank() != 4) return false;
    const auto& window = attributes.Ints(Attr::window);
    const auto& strides = attributes.Ints(Attr::strides);
    const Padding padding = attributes.PaddingOf().Resolve(input[1], input[2], window[0], window[1],
                                                           strides[0], strides[1], 1, 1);
    geometry = {.batch = input[0],
                .height = input[1],
                .width = input[2],
                .channels = input[3],
                .output_height = output[1],
                .output_width = output[2],
                .window_h = window[0],
                .window_w = window[1],
                .stride_h = strides[0],
                .stride_w = strides[1],
                .top = padding.top,
                .left = padding.left,
                .count_padding = attributes.Bool(Attr::count_padding)};
    if (output[0] != input[0] || output[3] != input[3]) return false;
    const auto covered = [](int64_t count, int64_t stride, int64_t before, int64_t extent_window,
                            int64_t extent) {
      if (count == 0) return true;
      const auto first = Range(0, stride, before, extent_window, extent);
      const auto last = Range(count - 1, stride, before, extent_window, extent);
      return first.size() > 0 && last.size() > 0;
    };
    return covered(output[1], strides[0], padding.top, window[0], input[1]) &&
           covered(output[2], strides[1], padding.left, window[1], input[2]);
  }
};

}  // namespace tersor::kernels
