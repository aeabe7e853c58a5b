#include <algorithm>

#include "tersor/kernels/conv2d_f32/direct.h"
#include "tersor/kernels/winograd_f32/winograd_f32.h"

namespace tersor::kernels::conv2d_f32 {
namespace {

size_t Align(size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

int64_t PaddedRows::Slots(const Geometry& g) {
  return g.PadsColumns() ? (g.kernel_h - 1) * g.dilation_h + 1 : 0;
}

int64_t PaddedRows::RowFloats(const Geometry& g) {
  const int64_t cells = (g.out_width - 1) * g.stride_w + (g.kernel_w - 1) * g.dilation_w + 1;
  return winograd_f32::RoundUp(cells * g.in_channels, 16);
}

size_t PaddedRows::Bytes(const Geometry& g) {
  const size_t copies =
      static_cast<size_t>(Slots(g) + (g.PadsRows() ? 1 : 0)) * static_cast<size_t>(RowFloats(g));
  return Align(copies * sizeof(float)) + Align(static_cast<size_t>(g.kernel_h) * sizeof(float*)) +
         Align(static_cast<size_t>(Slots(g)) * sizeof(int64_t));
}

PaddedRows::PaddedRows(const Geometry& g, const float* input, const float* padding_value,
                       void* memory)
    : g_(g), input_(input), slots_(Slots(g)), row_floats_(RowFloats(g)) {
  std::byte* at = static_cast<std::byte*>(memory);
  rows_ = reinterpret_cast<const float**>(at);
  at += Align(static_cast<size_t>(g.kernel_h) * sizeof(float*));
  tags_ = reinterpret_cast<int64_t*>(at);
  at += Align(static_cast<size_t>(slots_) * sizeof(int64_t));
  copies_ = reinterpret_cast<float*>(at);
  padding_row_ = copies_ + slots_ * row_floats_;
  std::fill(tags_, tags_ + slots_, -1);
  const int64_t filled_rows = slots_ + (g.PadsRows() ? 1 : 0);
  if (padding_value == nullptr) {
    std::fill(copies_, copies_ + filled_rows * row_floats_, 0.0f);
    return;
  }
  for (int64_t row = 0; row < filled_rows; ++row) {
    float* to = copies_ + row * row_floats_;
    for (int64_t i = 0; i + g.in_channels <= row_floats_; i += g.in_channels) {
      std::copy_n(padding_value, g.in_channels, to + i);
    }
  }
}

const float* const* PaddedRows::Rows(int64_t n, int64_t y) {
  for (int64_t kh = 0; kh < g_.kernel_h; ++kh) {
    const int64_t in_y = y * g_.stride_h + kh * g_.dilation_h - g_.pad_top;
    if (in_y < 0 || in_y >= g_.height) {
      rows_[kh] = padding_row_;
      continue;
    }
    const int64_t tag = n * g_.height + in_y;
    const float* row = input_ + tag * g_.width * g_.in_channels;
    if (slots_ == 0) {
      rows_[kh] = row;
      continue;
    }
    const int64_t slot = in_y % slots_;
    float* copy = copies_ + slot * row_floats_;
    if (tags_[slot] != tag) {
      const int64_t cells =
          (g_.out_width - 1) * g_.stride_w + (g_.kernel_w - 1) * g_.dilation_w + 1;
      const int64_t inside = std::min(g_.width, cells - g_.pad_left);
      if (inside > 0)
        std::copy_n(row, inside * g_.in_channels, copy + g_.pad_left * g_.in_channels);
      tags_[slot] = tag;
    }
    rows_[kh] = copy;
  }
  return rows_;
}

}  // namespace tersor::kernels::conv2d_f32
