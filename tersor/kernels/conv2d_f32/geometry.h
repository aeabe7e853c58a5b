// The numbers of an f32 convolution, for the forward kernels and both gradients.
#pragma once

#include <cstdint>
#include <optional>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::conv2d_f32 {

/// Output cell (y, x) reads the input cells (y * stride_h + kh * dilation_h - pad_top, ...). Output
/// channel o belongs to group o / (out_channels / groups) and reads in_channels / groups channels.
/// What is padded below and to the right follows from the output's size.
struct Geometry {
  int64_t batch, height, width, in_channels;
  int64_t out_height, out_width, out_channels;
  int64_t kernel_h, kernel_w;
  int64_t stride_h, stride_w, dilation_h, dilation_w;
  int64_t groups;
  int64_t pad_top, pad_left;

  int64_t group_in() const { return in_channels / groups; }
  int64_t group_out() const { return out_channels / groups; }
  /// Multiply-adds.
  int64_t products() const {
    return batch * out_height * out_width * out_channels * kernel_h * kernel_w * group_in();
  }
  bool PadsRows() const {
    return pad_top > 0 ||
           (out_height - 1) * stride_h + (kernel_h - 1) * dilation_h >= height + pad_top;
  }
  bool PadsColumns() const {
    return pad_left > 0 ||
           (out_width - 1) * stride_w + (kernel_w - 1) * dilation_w >= width + pad_left;
  }
  bool Is3x3Stride1() const {
    return kernel_h == 3 && kernel_w == 3 && stride_h == 1 && stride_w == 1 && dilation_h == 1 &&
           dilation_w == 1 && groups == 1;
  }
};

/// The geometry of a convolution from `input` [N,H,W,I] with `filter` [O,KH,KW,I/groups] to
/// `output`; nothing where one is not f32 or the extents do not fit together.
std::optional<Geometry> GeometryOf(const TensorType& input, const TensorType& filter,
                                   const TensorType& output, const Attributes& attributes);

/// Whether operand `index` is there.
inline bool HasOperand(const KernelSpec& spec, size_t index) {
  return index < spec.operands.size() && spec.operands[index].type != nullptr;
}

}  // namespace tersor::kernels::conv2d_f32
