// One element from one element of each operand.
#include <limits>

#include "tersor/ir/shape_rules/rule.h"

namespace tersor::ir {
namespace {

RuleResult Unary(const RuleInput& in) {
  TERSOR_ASSIGN_OR_RETURN(TensorType type, in.ComputedType(in.shape(0)));
  return One(std::move(type));
}

RuleResult Binary(const RuleInput& in) {
  TERSOR_ASSIGN_OR_RETURN(Shape shape, BroadcastShape(in, in.shape(0), in.shape(1)));
  TERSOR_ASSIGN_OR_RETURN(TensorType type, in.ComputedType(std::move(shape)));
  return One(std::move(type));
}

// (gradient, output): both of one floating-point type and shape.
RuleResult UnaryGradient(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(in.ExpectFloat(0));
  TERSOR_RETURN_IF_ERROR(in.ExpectFloat(1, in.shape(0)));
  return OneFloat(in, in.shape(0));
}

bool IsCastable(DType dtype) { return dtype != DType::kBool && dtype != DType::kI4; }

}  // namespace

RuleResult RuleAdd(const RuleInput& in) { return Binary(in); }
RuleResult RuleDivide(const RuleInput& in) { return Binary(in); }
RuleResult RuleMaximum(const RuleInput& in) { return Binary(in); }
RuleResult RuleMinimum(const RuleInput& in) { return Binary(in); }
RuleResult RuleMultiply(const RuleInput& in) { return Binary(in); }
RuleResult RuleSubtract(const RuleInput& in) { return Binary(in); }

RuleResult RuleExp(const RuleInput& in) { return Unary(in); }
RuleResult RuleLog(const RuleInput& in) { return Unary(in); }
RuleResult RuleNegate(const RuleInput& in) { return Unary(in); }
RuleResult RuleRelu(const RuleInput& in) { return Unary(in); }
RuleResult RuleRelu6(const RuleInput& in) { return Unary(in); }
RuleResult RuleRsqrt(const RuleInput& in) { return Unary(in); }
RuleResult RuleSigmoid(const RuleInput& in) { return Unary(in); }
RuleResult RuleSqrt(const RuleInput& in) { return Unary(in); }
RuleResult RuleTanh(const RuleInput& in) { return Unary(in); }

RuleResult RuleRelu6Grad(const RuleInput& in) { return UnaryGradient(in); }
RuleResult RuleReluGrad(const RuleInput& in) { return UnaryGradient(in); }
RuleResult RuleSigmoidGrad(const RuleInput& in) { return UnaryGradient(in); }
RuleResult RuleTanhGrad(const RuleInput& in) { return UnaryGradient(in); }

RuleResult RuleClamp(const RuleInput& in) {
  const double low = in.attributes.Float(Attr::min);
  const double high = in.attributes.Float(Attr::max);
  if (low > high) return in.Fail("min is ", low, ", greater than max, ", high);
  return Unary(in);
}

RuleResult RuleLeakyRelu(const RuleInput& in) {
  constexpr double kLargest = std::numeric_limits<double>::max();
  TERSOR_RETURN_IF_ERROR(in.ExpectRange(Attr::slope, -kLargest, kLargest));
  return Unary(in);
}

RuleResult RuleDropout(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(in.ExpectFloat(0));
  if (in.type(1).dtype != DType::kI64 || in.shape(1).rank() != 0) {
    return in.Fail("counter is ", in.type(1), ", expected i64[]");
  }
  TERSOR_RETURN_IF_ERROR(in.ExpectBelow(Attr::rate, 0, 1));
  return OneFloat(in, in.shape(0));
}

RuleResult RuleCast(const RuleInput& in) {
  const TensorType& input = in.type(0);
  const DType dtype = in.attributes.Type(Attr::dtype);
  if (input.quantization.has_value()) {
    return in.Fail("input is ", input, " with a scale, expected none: dequantize reads it");
  }
  if (!IsCastable(input.dtype) || !IsCastable(dtype)) {
    return in.Fail("cannot convert ", input.dtype, " to ", dtype);
  }
  return One({dtype, input.shape, std::nullopt});
}

RuleResult RuleQuantize(const RuleInput& in) {
  const TensorType& input = in.type(0);
  if (input.dtype != DType::kF32 && !IsEightBitPerTensor(input)) {
    return in.Fail("input is ", Describe(input), ", expected f32, or i8 or u8 with one scale");
  }
  if (!in.hint.has_value()) {
    return in.Fail("the result needs a type with its scale and zero point");
  }
  TensorType result{in.hint->dtype, input.shape, in.hint->quantization};
  const bool storable =
      IsEightBit(result.dtype) || result.dtype == DType::kI16 || result.dtype == DType::kI32;
  if (!storable || !result.quantization.has_value()) {
    return in.Fail("result is given as ", Describe(result),
                   ", expected i8, u8, i16 or i32 with a scale");
  }
  if (input.dtype != DType::kF32 && !IsEightBitPerTensor(result)) {
    return in.Fail("result is given as ", Describe(result), " and input is ", input,
                   ", expected i8 or u8 with one scale");
  }
  return One(std::move(result));
}

RuleResult RuleDequantize(const RuleInput& in) {
  const TensorType& input = in.type(0);
  if (input.dtype == DType::kI64 || !input.quantization.has_value()) {
    return in.Fail("input is ", Describe(input),
                   ", expected an integer of up to 32 bits with a scale");
  }
  return OneF32(input.shape);
}

}  // namespace tersor::ir
