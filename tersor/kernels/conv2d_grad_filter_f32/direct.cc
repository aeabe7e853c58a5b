// Any filter gradient: outer products of input cells and output gradients, summed in registers over
// an example at a time.
#include <algorithm>

#include "tersor/kernels/conv2d_grad_filter_f32/loops.h"
#include "tersor/kernels/conv2d_grad_filter_f32/makers.h"
#include "tersor/kernels/winograd_f32/winograd_f32.h"

namespace tersor::kernels::conv2d_grad_filter_f32 {
namespace {

using winograd_f32::RoundUp;

/// Scratch: the sum, with output channels innermost; the padded example; a copy of the last
/// example's gradient, behind whose end vectors may read.
class DirectGradFilter final : public Kernel {
 public:
  DirectGradFilter(const Loops& loops, const Geometry& geometry)
      : loops_(loops),
        g_(geometry),
        one_run_(g_.groups == 1 && (g_.dilation_w == 1 || g_.kernel_w == 1)),
        pads_(g_.PadsRows() || g_.PadsColumns()),
        sum_row_(RoundUp(g_.group_out(), loops.lanes)),
        sum_floats_(RoundUp(g_.groups * taps() * sum_row_, 16)) {
    rows_ = pads_ ? (g_.out_height - 1) * g_.stride_h + (g_.kernel_h - 1) * g_.dilation_h + 1
                  : g_.height;
    cells_ =
        pads_ ? (g_.out_width - 1) * g_.stride_w + (g_.kernel_w - 1) * g_.dilation_w + 1 : g_.width;
    padded_floats_ = pads_ ? RoundUp(rows_ * cells_ * g_.in_channels, 16) : 0;
    gradient_floats_ =
        g_.group_out() % loops.lanes == 0 ? 0 : RoundUp(gradient_example() + loops.lanes, 16);
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(sum_floats_ + padded_floats_ + gradient_floats_) * sizeof(float);
  }

  void Run(const KernelCall& call) const override {
    float* sum = static_cast<float*>(call.scratch);
    float* padded = sum + sum_floats_;
    float* last_gradient = padded + padded_floats_;
    std::fill(sum, sum + sum_floats_, 0.0f);
    FillPadding(PaddingValueOf(call), padded);
    std::fill(last_gradient, last_gradient + gradient_floats_, 0.0f);
    for (int64_t n = 0; n < g_.batch; ++n) {
      const float* input =
          call.operands[kInput].as<float>() + n * g_.height * g_.width * g_.in_channels;
      const float* gradient = call.operands[kGradient].as<float>() + n * gradient_example();
      if (pads_) {
        CopyInside(input, padded);
        input = padded;
      }
      if (gradient_floats_ > 0 && n == g_.batch - 1) {
        std::copy_n(gradient, gradient_example(), last_gradient);
        gradient = last_gradient;
      }
      AddExample(input, gradient, sum);
    }
    Finish(sum, call.results[0].as<float>());
  }

 private:
  int64_t taps() const { return g_.kernel_h * g_.kernel_w * g_.group_in(); }
  int64_t gradient_example() const { return g_.out_height * g_.out_width * g_.out_channels; }

  void FillPadding(const float* value, float* padded) const {
    if (!pads_ || value == nullptr) {
      std::fill(padded, padded + padded_floats_, 0.0f);
      return;
    }
    for (int64_t cell = 0; cell < rows_ * cells_; ++cell) {
      std::copy_n(value, g_.in_channels, padded + cell * g_.in_channels);
    }
  }

  void CopyInside(const float* input, float* padded) const {
    const int64_t inside = std::min(g_.width, cells_ - g_.pad_left);
    if (inside <= 0) return;
    for (int64_t y = std::max<int64_t>(0, g_.pad_top); y < rows_; ++y) {
      if (y - g_.pad_top >= g_.height) break;
      std::copy_n(input + (y - g_.pad_top) * g_.width * g_.in_channels, inside * g_.in_channels,
                  padded + (y * cells_ + g_.pad_left) * g_.in_channels);
    }
  }

  void AddExample(const float* input, const float* gradient, float* sum) const {
    const int64_t row_floats = cells_ * g_.in_channels;
    OuterProducts products;
    products.cells_row = g_.stride_h * row_floats;
    products.cells_step = g_.stride_w * g_.in_channels;
    products.taps = one_run_ ? g_.kernel_w * g_.in_channels : g_.group_in();
    products.gradient_step = g_.out_channels;
    products.columns = g_.group_out();
    products.rows = g_.out_height;
    products.pixels = g_.out_width;
    products.sum = sum;
    const int64_t runs = one_run_ ? 1 : g_.kernel_w;
    for (int64_t group = 0; group < g_.groups; ++group) {
      products.gradient = gradient + group * g_.group_out();
      for (int64_t kh = 0; kh < g_.kernel_h; ++kh) {
        for (int64_t run = 0; run < runs; ++run) {
          products.cells = input + kh * g_.dilation_h * row_floats +
                           run * g_.dilation_w * g_.in_channels + group * g_.group_in();
          loops_.add(products);
          products.sum += products.taps * sum_row_;
        }
      }
    }
  }

  void Finish(const float* sum, float* result) const {
    for (int64_t group = 0; group < g_.groups; ++group) {
      const float* from = sum + group * taps() * sum_row_;
      for (int64_t o = 0; o < g_.group_out(); ++o) {
        for (int64_t tap = 0; tap < taps(); ++tap) *result++ = from[tap * sum_row_ + o];
      }
    }
  }

  const Loops& loops_;
  const Geometry g_;
  const bool one_run_;  ///< a filter row's taps are neighbours in memory
  const bool pads_;
  const int64_t sum_row_, sum_floats_;
  int64_t rows_, cells_;  ///< of the example as it is read
  int64_t padded_floats_, gradient_floats_;
};

}  // namespace

std::unique_ptr<Kernel> MakeDirect(const KernelSpec& spec, const Loops& loops) {
  const auto geometry = ForwardGeometry(spec);
  if (!geometry.has_value()) return nullptr;
  return std::make_unique<DirectGradFilter>(loops, *geometry);
}

}  // namespace tersor::kernels::conv2d_grad_filter_f32
