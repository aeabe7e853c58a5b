#include "tersor/kernels/conv2d_int8/conv_case.h"

#include <algorithm>
#include <cstdlib>

namespace tersor::kernels {
namespace {

bool IsByte(const TensorType& type) { return type.dtype == DType::kI8 || type.dtype == DType::kU8; }

bool IsAbsent(const ConstTensorView& view) { return view.type == nullptr; }

ConstTensorView OperandAt(const KernelSpec& spec, size_t index) {
  return index < spec.operands.size() ? spec.operands[index] : ConstTensorView{};
}

int64_t LargestDistance(DType dtype, int64_t zero_point) {
  const IntegerRange range = RangeOf(dtype);
  return std::max(range.hi - zero_point, zero_point - range.lo);
}

int32_t FilterAt(const ConstTensorView& filter, size_t index) {
  return filter.dtype() == DType::kI8 ? int32_t{filter.as<int8_t>()[index]}
                                      : int32_t{filter.as<uint8_t>()[index]};
}

bool FitsInt(const Shape& shape) {
  return std::all_of(shape.dims().begin(), shape.dims().end(),
                     [](int64_t extent) { return extent > 0 && extent <= INT32_MAX; }) &&
         shape.num_elements() <= INT32_MAX;
}

// Fills in everything but the geometry.
bool ParseQuantization(const KernelSpec& spec, ConvCase& c) {
  const TensorType& input = *spec.operands[0].type;
  const TensorType& filter = *spec.operands[1].type;
  const TensorType& result = spec.results[0];
  if (!IsByte(input) || !IsByte(filter) || !IsByte(result)) return false;
  if (!IsPerTensor(input) || !IsPerTensor(result) || !filter.quantization) return false;
  const Quantization& q = *filter.quantization;
  const auto count = static_cast<size_t>(c.out_c);
  if (q.per_channel() && (q.axis != 0 || q.scales.size() != count)) return false;
  if (!q.per_channel() && q.scales.size() != 1) return false;
  if (q.zero_points.size() != q.scales.size()) return false;
  const ConstTensorView bias = OperandAt(spec, 2);
  if (!IsAbsent(bias) && (bias.dtype() != DType::kI32 || bias.shape().num_elements() != c.out_c)) {
    return false;
  }
  c.input_dtype = input.dtype;
  c.filter_dtype = filter.dtype;
  c.input_zero = ZeroPointOf(input);
  c.result_zero = ZeroPointOf(result);
  c.activation = spec.attributes->ActivationOf();
  c.range = ActivationRange(result, c.activation);
  for (size_t o = 0; o < count; ++o) {
    const size_t i = q.per_channel() ? o : 0;
    c.multipliers.push_back(ProductMultiplier(ScaleOf(input), q.scales[i], ScaleOf(result)));
    c.filter_zeros.push_back(q.zero_points[i]);
  }
  return true;
}

bool SumsFitInt32(const KernelSpec& spec, const ConvCase& c) {
  const int64_t distance = LargestDistance(c.input_dtype, c.input_zero);
  const ConstTensorView filter = spec.operands[1], bias = OperandAt(spec, 2);
  const auto taps = static_cast<size_t>(c.taps());
  for (size_t o = 0; o < static_cast<size_t>(c.out_c); ++o) {
    int64_t weights = 0;
    if (filter.data != nullptr) {
      for (size_t k = 0; k < taps; ++k) {
        weights += std::abs(int64_t{FilterAt(filter, o * taps + k)} - c.filter_zeros[o]);
      }
    } else {
      weights = static_cast<int64_t>(taps) * LargestDistance(c.filter_dtype, c.filter_zeros[o]);
    }
    int64_t limit = INT32_MAX;
    if (!IsAbsent(bias)) {
      limit -= bias.data != nullptr ? std::abs(int64_t{bias.as<int32_t>()[o]}) : limit / 2;
    }
    if (weights > limit / distance) return false;
  }
  return true;
}

}  // namespace

std::optional<ConvCase> ParseConvCase(const KernelSpec& spec) {
  if (spec.operands.size() < 2 || spec.operands[0].type == nullptr) return std::nullopt;
  const Shape& input = spec.operands[0].shape();
  const Shape& filter = spec.operands[1].shape();
  const Shape& result = spec.results[0].shape;
  if (input.rank() != 4 || filter.rank() != 4 || result.rank() != 4 || !FitsInt(input) ||
      !FitsInt(filter) || !FitsInt(result)) {
    return std::nullopt;
  }
  const auto& strides = spec.attributes->Ints(Attr::strides);
  const auto& dilations = spec.attributes->Ints(Attr::dilations);
  const Padding padding = spec.attributes->PaddingOf().Resolve(
      input[1], input[2], filter[1], filter[2], strides[0], strides[1], dilations[0], dilations[1]);
  ConvCase c;
  const auto set = [](int& to, int64_t from) {
    to = static_cast<int>(from);
    return to == from;
  };
  const bool fits = set(c.batch, input[0]) && set(c.in_h, input[1]) && set(c.in_w, input[2]) &&
                    set(c.in_c, input[3]) && set(c.out_h, result[1]) && set(c.out_w, result[2]) &&
                    set(c.out_c, result[3]) && set(c.k_h, filter[1]) && set(c.k_w, filter[2]) &&
                    set(c.stride_h, strides[0]) && set(c.stride_w, strides[1]) &&
                    set(c.dilation_h, dilations[0]) && set(c.dilation_w, dilations[1]) &&
                    set(c.pad_top, padding.top) && set(c.pad_left, padding.left) &&
                    set(c.groups, spec.attributes->Int(Attr::groups));
  if (!fits || !ParseQuantization(spec, c) || !SumsFitInt32(spec, c)) return std::nullopt;
  return c;
}

std::optional<ConvCase> ParseFullyConnectedCase(const KernelSpec& spec) {
  if (spec.operands.size() < 2 || spec.operands[0].type == nullptr) return std::nullopt;
  const Shape& input = spec.operands[0].shape();
  const Shape& filter = spec.operands[1].shape();
  if (input.rank() != 2 || filter.rank() != 2 || !FitsInt(input) || !FitsInt(filter) ||
      !FitsInt(spec.results[0].shape)) {
    return std::nullopt;
  }
  ConvCase c;
  c.batch = static_cast<int>(input[0]);
  c.in_c = static_cast<int>(input[1]);
  c.out_c = static_cast<int>(filter[0]);
  c.in_h = c.in_w = c.out_h = c.out_w = 1;
  if (!ParseQuantization(spec, c) || !SumsFitInt32(spec, c)) return std::nullopt;
  return c;
}

void FillPaddedCells(const ConvCase& c, const TensorType& input,
                     const ConstTensorView& padding_value, int32_t* cells) {
  const float inverse = InverseScale(ScaleOf(input));
  for (int i = 0; i < c.in_c; ++i) {
    if (IsAbsent(padding_value)) {
      cells[i] = c.input_zero;
    } else if (padding_value.dtype() == DType::kI8) {
      cells[i] = padding_value.as<int8_t>()[i];
    } else if (padding_value.dtype() == DType::kU8) {
      cells[i] = padding_value.as<uint8_t>()[i];
    } else {
      cells[i] = QuantizeValue(padding_value.as<float>()[i], inverse, c.input_zero,
                               RangeOf(c.input_dtype));
    }
  }
}

std::vector<int32_t> PaddedCells(const ConvCase& c, const TensorType& input,
                                 const ConstTensorView& padding_value) {
  std::vector<int32_t> cells(static_cast<size_t>(c.in_c));
  FillPaddedCells(c, input, padding_value, cells.data());
  return cells;
}

std::vector<int32_t> CenteredFilter(const ConvCase& c, const ConstTensorView& filter) {
  const auto taps = static_cast<size_t>(c.taps());
  std::vector<int32_t> centered(taps * static_cast<size_t>(c.out_c));
  for (size_t i = 0; i < centered.size(); ++i) {
    centered[i] = FilterAt(filter, i) - c.filter_zeros[i / taps];
  }
  return centered;
}

std::vector<int32_t> FoldedBias(const ConvCase& c, const std::vector<int32_t>& centered_filter,
                                const ConstTensorView& bias) {
  const auto taps = static_cast<size_t>(c.taps());
  std::vector<int32_t> folded(static_cast<size_t>(c.out_c));
  for (size_t o = 0; o < folded.size(); ++o) {
    uint32_t sum = IsAbsent(bias) ? 0 : static_cast<uint32_t>(bias.as<int32_t>()[o]);
    for (size_t k = 0; k < taps; ++k) {
      sum -= static_cast<uint32_t>(c.input_zero) *
             static_cast<uint32_t>(centered_filter[o * taps + k]);
    }
    folded[o] = static_cast<int32_t>(sum);
  }
  return folded;
}

}  // namespace tersor::kernels
