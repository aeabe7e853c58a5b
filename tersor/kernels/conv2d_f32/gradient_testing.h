// Shapes for the tests and benchmarks of a convolution's gradients, and what their tests expect of
// each row.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::testing {

struct ConvolutionShape {
  const char* name;
  int64_t batch, height, width, in, out, kernel_h, kernel_w;
  int64_t stride = 1, dilation = 1, groups = 1;
  const char* padding = "same";

  TensorType Input() const { return {DType::kF32, {batch, height, width, in}, {}}; }
  TensorType Filter() const { return {DType::kF32, {out, kernel_h, kernel_w, in / groups}, {}}; }
  TensorType Output() const {
    const Padding asked = Pads();
    const Padding pads =
        asked.Resolve(height, width, kernel_h, kernel_w, stride, stride, dilation, dilation);
    const auto extent = [&](int64_t cells, int64_t around, int64_t window) {
      return (cells + around - (window - 1) * dilation - 1) / stride + 1;
    };
    return {DType::kF32,
            {batch, extent(height, pads.top + pads.bottom, kernel_h),
             extent(width, pads.left + pads.right, kernel_w), out},
            {}};
  }
  Padding Pads() const { return std::get<Padding>(ParseAttrValue(Attr::padding, padding).value()); }
  void SetAttributes(Attributes& attributes) const {
    attributes.Set(Attr::strides, std::vector<int64_t>{stride, stride})
        .Set(Attr::dilations, std::vector<int64_t>{dilation, dilation})
        .Set(Attr::groups, groups)
        .Set(Attr::padding, Pads());
  }
  double products() const {
    return static_cast<double>(Output().shape.num_elements() * kernel_h * kernel_w * in / groups);
  }
};

inline void PrintTo(const ConvolutionShape& shape, std::ostream* out) { *out << shape.name; }

/// Shapes that break tails, borders, padding, strides, dilations and groups.
inline constexpr ConvolutionShape kConvolutionShapes[] = {
    {"square", 2, 16, 16, 32, 32, 3, 3},
    {"odd_channels", 2, 9, 11, 13, 21, 3, 3},
    {"few_outputs", 2, 16, 16, 32, 6, 3, 3},
    {"few_inputs", 2, 16, 16, 6, 32, 3, 3},
    {"first_layer", 2, 32, 32, 3, 32, 3, 3},
    {"one_channel", 2, 28, 28, 1, 32, 3, 3},
    {"valid", 2, 10, 14, 16, 24, 3, 3, 1, 1, 1, "valid"},
    {"one_sided_padding", 1, 9, 9, 16, 16, 3, 3, 1, 1, 1, "[2,0,0,2]"},
    {"wide_padding", 1, 5, 6, 8, 40, 3, 3, 1, 1, 1, "[3,4,5,3]"},
    {"many_channels", 1, 8, 8, 130, 66, 3, 3},
    {"many_tiles", 6, 28, 28, 16, 32, 3, 3},
    {"one_cell", 1, 1, 1, 5, 7, 3, 3},
    {"one_column", 2, 9, 1, 4, 9, 3, 3},
    {"strided", 2, 16, 16, 16, 32, 3, 3, 2},
    {"strided_odd", 2, 15, 13, 7, 19, 3, 3, 2},
    {"stride_without_taps", 1, 9, 9, 8, 8, 1, 1, 2},
    {"pointwise", 2, 7, 9, 12, 33, 1, 1},
    {"pointwise_padded", 1, 5, 5, 8, 16, 1, 1, 1, 1, 1, "[1,1,1,1]"},
    {"five_by_five", 1, 12, 12, 5, 18, 5, 5},
    {"one_by_seven", 1, 9, 17, 6, 8, 1, 7},
    {"even_filter", 1, 8, 10, 9, 16, 2, 4},
    {"large_stride", 1, 23, 23, 3, 16, 7, 7, 4},
    {"dilated", 1, 16, 16, 8, 16, 3, 3, 1, 2},
    {"dilated_strided", 1, 17, 19, 5, 12, 3, 3, 2, 3},
    {"two_groups", 1, 10, 10, 12, 20, 3, 3, 1, 1, 2},
    {"many_groups", 1, 9, 9, 32, 32, 3, 3, 2, 1, 8},
    {"depthwise", 2, 11, 9, 13, 13, 3, 3, 1, 1, 13},
    {"depthwise_strided", 1, 15, 16, 32, 32, 3, 3, 2, 1, 32},
};

/// Shapes of one shard's layers in training: batch 64, image size, channels.
inline constexpr ConvolutionShape kTrainingShapes[] = {
    {"32x32_3to32", 64, 32, 32, 3, 32, 3, 3},
    {"32x32_32to32", 64, 32, 32, 32, 32, 3, 3},
    {"16x16_32to6", 64, 16, 16, 32, 6, 3, 3},
    {"16x16_6to6", 64, 16, 16, 6, 6, 3, 3},
    {"8x8_6to13", 64, 8, 8, 6, 13, 3, 3},
    {"8x8_13to13", 64, 8, 8, 13, 13, 3, 3},
    {"16x16_32to64", 64, 16, 16, 32, 64, 3, 3},
    {"16x16_64to64", 64, 16, 16, 64, 64, 3, 3},
    {"8x8_64to128", 64, 8, 8, 64, 128, 3, 3},
    {"8x8_128to128", 64, 8, 8, 128, 128, 3, 3},
    {"28x28_1to32", 64, 28, 28, 1, 32, 3, 3},
    {"28x28_32to32", 64, 28, 28, 32, 32, 3, 3},
    {"32x32_16to32_s2", 64, 32, 32, 16, 32, 3, 3, 2},
    {"32x32_16to32_1x1_s2", 64, 32, 32, 16, 32, 1, 1, 2},
};

/// Largest error of the rows, as a share of the reference's largest element.
inline double ErrorOverLargest(std::span<const float> result, std::span<const float> reference) {
  float largest = 0;
  for (float value : reference) largest = std::max(largest, std::abs(value));
  double worst = 0;
  for (size_t i = 0; i < reference.size(); ++i) {
    const double error = std::abs(static_cast<double>(result[i]) - reference[i]);
    if (!(error <= worst)) worst = std::isnan(error) ? HUGE_VAL : error;
  }
  return largest == 0 ? worst : worst / largest;
}

/// Every row of this machine that takes the case is within `tolerance` (of the largest element) of
/// the last row, the reference, which takes it.
inline void ExpectRowsAgree(const OperatorCase& c, std::span<const KernelRow> rows,
                            double tolerance) {
  const auto expected = c.Run(rows.back());
  ASSERT_TRUE(expected.has_value());
  for (const KernelRow& row : AvailableRows(rows)) {
    const auto run = c.Run(row);
    if (!run.has_value()) continue;
    EXPECT_LE(
        ErrorOverLargest(run->results[0].values<float>(), expected->results[0].values<float>()),
        tolerance)
        << row.name;
  }
}

/// Every row that takes the case gives the same bits on one thread and on three.
inline void ExpectSameBitsOnThreads(OperatorCase c, std::span<const KernelRow> rows) {
  auto pool = ThreadPool::Create(3).value();
  for (const KernelRow& row : AvailableRows(rows)) {
    c.pool = nullptr;
    const auto one = c.Run(row);
    if (!one.has_value()) continue;
    c.pool = &pool;
    const auto three = c.Run(row);
    ASSERT_TRUE(three.has_value()) << row.name;
    EXPECT_TRUE(SameBits(one->results[0], three->results[0])) << row.name;
  }
}

}  // namespace tersor::kernels::testing
