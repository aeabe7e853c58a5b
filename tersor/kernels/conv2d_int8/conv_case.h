// One integer convolution, fully connected or depthwise case in plain numbers: what the reference
// and the fast kernels of these families share.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tersor/base/attributes.h"
#include "tersor/kernels/integer_arithmetic.h"
#include "tersor/kernels/kernel.h"

namespace tersor::kernels {

/// Input [batch, in_h, in_w, in_c], filter [out_c, k_h, k_w, in_c / groups], result
/// [batch, out_h, out_w, out_c]. A fully connected layer is the case of a 1x1 image.
struct ConvCase {
  int batch = 0, in_h = 0, in_w = 0, in_c = 0;
  int out_h = 0, out_w = 0, out_c = 0;
  int k_h = 1, k_w = 1;
  int stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int pad_top = 0, pad_left = 0;
  int groups = 1;
  int32_t input_zero = 0;
  int32_t result_zero = 0;
  IntegerRange range;  ///< of the result, activation included
  Activation activation = Activation::kNone;
  std::vector<float> multipliers;     ///< [out_c]
  std::vector<int32_t> filter_zeros;  ///< [out_c]
  DType input_dtype = DType::kI8, filter_dtype = DType::kI8;

  int taps() const { return k_h * k_w * (in_c / groups); }  ///< products of one sum
};

/// The case of a Conv2d or FullyConnected spec, or nothing: an operand or result that is not
/// i8 or u8 with the quantization that the rule needs (input and result per tensor, filter per
/// tensor or along its axis 0), or an exact sum that might leave int32 (with a constant filter
/// and bias, judged by their values; else by the largest values of their types; a bias that is
/// not constant counts as half of the range).
std::optional<ConvCase> ParseConvCase(const KernelSpec& spec);
std::optional<ConvCase> ParseFullyConnectedCase(const KernelSpec& spec);

/// What padded cells hold, as integers of the input: [in_c]. `padding_value` ([in_c], of the
/// input's type, or f32) may be absent (null type): the zero point.
void FillPaddedCells(const ConvCase& c, const TensorType& input,
                     const ConstTensorView& padding_value, int32_t* cells);
std::vector<int32_t> PaddedCells(const ConvCase& c, const TensorType& input,
                                 const ConstTensorView& padding_value);

/// filter[o][k] - zero point of o, over all taps in filter order.
std::vector<int32_t> CenteredFilter(const ConvCase& c, const ConstTensorView& filter);

/// bias[o] - input_zero * sum of the centered filter of o: with it, sums may be taken over the raw
/// integers of the input. Wraps around, as the sums do.
std::vector<int32_t> FoldedBias(const ConvCase& c, const std::vector<int32_t>& centered_filter,
                                const ConstTensorView& bias);

}  // namespace tersor::kernels
