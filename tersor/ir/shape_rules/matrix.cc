// Convolution, fully connected layers and matrix products.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "tersor/ir/shape_rules/rule.h"

namespace tersor::ir {
namespace {

constexpr int kInput = 0, kFilter = 1, kBias = 2, kPaddingValue = 3;

// The i32 bias counts in units of input scale times filter scale; a scale that it states itself
// may differ by its own rounding, or by what no result of this scale can show.
Status ExpectBiasScale(const RuleInput& in, double result_scale) {
  const auto& bias = in.type(kBias).quantization;
  if (!bias.has_value()) return OkStatus();
  const Quantization& filter = *in.type(kFilter).quantization;
  const double input_scale = in.type(kInput).quantization->scales[0];
  const size_t count = std::max(bias->scales.size(), filter.scales.size());
  for (size_t i = 0; i < count; ++i) {
    const size_t at = bias->scales.size() == 1 ? 0 : i;
    const double expected = input_scale * filter.scales[filter.scales.size() == 1 ? 0 : i];
    const double error = std::abs(bias->scales[at] - expected);
    if (error > 0.01 * expected && error > 0.02 * result_scale) {
      return in.Fail("scale of the bias is ", bias->scales[at], " in channel ", i,
                     ", expected input scale times filter scale, ", expected);
    }
    if (bias->zero_points[at] != 0) {
      return in.Fail("zero point of the bias is ", bias->zero_points[at], ", expected 0");
    }
  }
  return OkStatus();
}

// The result of conv2d and fully_connected: filter with output channels first, bias [O].
Result<TensorType> LayerType(const RuleInput& in, Shape shape) {
  const TensorType& input = in.type(kInput);
  const TensorType& filter = in.type(kFilter);
  const Shape bias_shape{filter.shape[0]};
  if (filter.quantization.has_value() && filter.quantization->axis > 0) {
    return in.Fail("filter has a scale for each ",
                   filter.quantization->per_group() ? "group" : "index", " of axis ",
                   filter.quantization->axis, ", expected one, or one an output channel (axis 0)");
  }
  if (in.Has(kBias) && in.shape(kBias) != bias_shape) {
    return in.Fail("bias is ", in.type(kBias), ", expected ", bias_shape);
  }
  if (IsFloat(input.dtype)) {
    if (in.Has(kBias)) TERSOR_RETURN_IF_ERROR(in.ExpectFloat(kBias));
    const bool f32 = input.dtype == DType::kF32;
    const bool weight_only = f32 && filter.dtype == DType::kI8 && filter.quantization.has_value();
    if (filter.dtype != input.dtype && !weight_only) {
      return in.Fail("filter is ", Describe(filter), ", expected ", input.dtype,
                     " (a cast comes before)", f32 ? ", or i8 with scales" : "");
    }
    return TensorType{input.dtype, std::move(shape), std::nullopt};
  }
  if (!IsEightBitPerTensor(input)) {
    return in.Fail("input is ", Describe(input),
                   ", expected f32, f16 or bf16, or i8 or u8 with one scale");
  }
  if (!IsEightBit(filter.dtype) || !filter.quantization.has_value()) {
    return in.Fail("filter is ", Describe(filter), " and input is ", input,
                   ", expected i8 or u8 with scales");
  }
  if (in.Has(kBias) && in.type(kBias).dtype != DType::kI32) {
    return in.Fail("bias is ", in.type(kBias), " and input is ", input, ", expected i32",
                   bias_shape);
  }
  TERSOR_ASSIGN_OR_RETURN(TensorType type, in.HintedType(input.dtype, std::move(shape)));
  if (in.Has(kBias)) TERSOR_RETURN_IF_ERROR(ExpectBiasScale(in, type.quantization->scales[0]));
  return type;
}

// One value an input channel, of the input's own type.
Status ExpectPaddingValue(const RuleInput& in, int i) {
  if (!in.Has(i)) return OkStatus();
  const TensorType& input = in.type(kInput);
  const TensorType expected{input.dtype, {input.shape[3]}, input.quantization};
  if (in.type(i) == expected) return OkStatus();
  if (in.type(i).dtype == expected.dtype && in.shape(i) == expected.shape) {
    return in.Fail("padding_value has another scale or zero point than the input");
  }
  return in.Fail("padding_value is ", in.type(i), ", expected ", expected);
}

// An operand of a matrix product: its last two axes, the other way round where it is transposed,
// and the axes before them.
struct Matrix {
  Matrix(const Shape& shape, bool is_transposed)
      : leading(std::vector(shape.dims().begin(), shape.dims().end() - 2)),
        rows(shape[shape.rank() - 2]),
        columns(shape[shape.rank() - 1]),
        transposed(is_transposed) {
    if (transposed) std::swap(rows, columns);
  }

  Shape leading;
  int64_t rows, columns;
  bool transposed;
};

}  // namespace

RuleResult RuleConv2d(const RuleInput& in) {
  TERSOR_ASSIGN_OR_RETURN(Shape shape, ConvolutionShape(in, in.shape(kInput), in.shape(kFilter)));
  TERSOR_ASSIGN_OR_RETURN(TensorType type, LayerType(in, std::move(shape)));
  TERSOR_RETURN_IF_ERROR(ExpectPaddingValue(in, kPaddingValue));
  return One(std::move(type));
}

RuleResult RuleConv2dGradFilter(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(in.ExpectAllFloat());
  TERSOR_ASSIGN_OR_RETURN(Shape filter, ShapeAttribute(in, Attr::filter_shape, kBatch));
  TERSOR_ASSIGN_OR_RETURN(Shape output, ConvolutionShape(in, in.shape(0), filter));
  TERSOR_RETURN_IF_ERROR(in.ExpectFloat(1, output));
  TERSOR_RETURN_IF_ERROR(ExpectPaddingValue(in, 2));
  return OneFloat(in, std::move(filter));
}

RuleResult RuleConv2dGradInput(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(in.ExpectAllFloat());
  TERSOR_RETURN_IF_ERROR(in.ExpectRank(1, 4));
  TERSOR_ASSIGN_OR_RETURN(Shape input, ShapeAttribute(in, Attr::input_shape, in.shape(1)[0]));
  TERSOR_ASSIGN_OR_RETURN(Shape output, ConvolutionShape(in, input, in.shape(0)));
  TERSOR_RETURN_IF_ERROR(in.ExpectFloat(1, output));
  return OneFloat(in, std::move(input));
}

RuleResult RuleFullyConnected(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(in.ExpectRank(kInput, 2));
  TERSOR_RETURN_IF_ERROR(in.ExpectRank(kFilter, 2));
  const Shape& input = in.shape(kInput);
  const Shape& filter = in.shape(kFilter);
  if (filter.IsSymbolic()) return in.Fail("filter is ", filter, ", expected [O,I]");
  if (filter[1] != input[1]) {
    return in.Fail("filter has ", filter[1], " input channels, input has ",
                   ExtentToString(input[1]));
  }
  TERSOR_ASSIGN_OR_RETURN(TensorType type, LayerType(in, Shape{input[0], filter[0]}));
  return One(std::move(type));
}

RuleResult RuleMatMul(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(in.ExpectAllFloat());
  for (int i = 0; i < 2; ++i) {
    if (in.shape(i).rank() >= 2) continue;
    return in.Fail(in.name(i), " is ", in.type(i), ", expected at least 2 axes");
  }
  const Matrix lhs(in.shape(0), in.attributes.Bool(Attr::transpose_lhs));
  const Matrix rhs(in.shape(1), in.attributes.Bool(Attr::transpose_rhs));
  if (lhs.columns != rhs.rows) {
    return in.Fail("cannot multiply ", in.shape(0), lhs.transposed ? " transposed" : "", " with ",
                   in.shape(1), rhs.transposed ? " transposed" : "");
  }
  TERSOR_ASSIGN_OR_RETURN(const Shape leading, BroadcastShape(in, lhs.leading, rhs.leading));
  std::vector<int64_t> dims = leading.dims();
  dims.push_back(lhs.rows);
  dims.push_back(rhs.columns);
  return OneFloat(in, Shape(std::move(dims)));
}

}  // namespace tersor::ir
