// Gradients of element-wise, moving and reducing operators.
#include "tersor/transforms/constants.h"
#include "tersor/transforms/gradient_context.h"

namespace tersor::transforms {

using ir::OpKind;
using ir::ValueId;

namespace {

// gradient * other, in operand `i`'s shape.
Status AccumulateProduct(GradientContext& context, int i, ValueId gradient, ValueId other) {
  if (!context.Wants(i)) return OkStatus();
  TERSOR_ASSIGN_OR_RETURN(ValueId product, context.Add(OpKind::kMultiply, {gradient, other}));
  TERSOR_ASSIGN_OR_RETURN(product, context.Unbroadcast(product, i));
  return context.Accumulate(i, product);
}

Status AccumulateUnbroadcast(GradientContext& context, int i, ValueId gradient) {
  if (!context.Wants(i)) return OkStatus();
  TERSOR_ASSIGN_OR_RETURN(gradient, context.Unbroadcast(gradient, i));
  return context.Accumulate(i, gradient);
}

Result<ValueId> Scalar(GradientContext& context, double value) {
  return AddConstant(context.graph(), "constant", {1}, {value});
}

// A unary operator whose gradient is an operator of (gradient, output).
Status FromOutput(GradientContext& context, OpKind op) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  TERSOR_ASSIGN_OR_RETURN(ValueId made, context.Add(op, {gradient, context.result()}));
  return context.Accumulate(0, made);
}

// A reduction: its gradient in the shape of its input.
Result<ValueId> SpreadReduced(GradientContext& context, ValueId gradient) {
  const Shape input = context.shape_of(context.operand(0));
  Shape kept = input;
  for (int64_t axis : context.attributes().Ints(Attr::axes)) {
    kept[static_cast<int>(axis < 0 ? axis + input.rank() : axis)] = 1;
  }
  if (context.shape_of(gradient) != kept) {
    TERSOR_ASSIGN_OR_RETURN(gradient, context.Add(OpKind::kReshape, {gradient},
                                                  Attributes().Set(Attr::shape, kept.dims())));
  }
  return context.Add(OpKind::kBroadcastTo, {gradient}, Attributes().Set(Attr::shape, input.dims()));
}

}  // namespace

Status GradientAdd(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  TERSOR_RETURN_IF_ERROR(AccumulateUnbroadcast(context, 0, gradient));
  return AccumulateUnbroadcast(context, 1, gradient);
}

Status GradientSubtract(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  TERSOR_RETURN_IF_ERROR(AccumulateUnbroadcast(context, 0, gradient));
  if (!context.Wants(1)) return OkStatus();
  TERSOR_ASSIGN_OR_RETURN(ValueId negated, context.Add(OpKind::kNegate, {gradient}));
  return AccumulateUnbroadcast(context, 1, negated);
}

Status GradientMultiply(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  TERSOR_RETURN_IF_ERROR(AccumulateProduct(context, 0, gradient, context.operand(1)));
  return AccumulateProduct(context, 1, gradient, context.operand(0));
}

// d(a/b): da = g/b, db = -(g/b) * (a/b).
Status GradientDivide(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  TERSOR_ASSIGN_OR_RETURN(ValueId share,
                          context.Add(OpKind::kDivide, {gradient, context.operand(1)}));
  TERSOR_RETURN_IF_ERROR(AccumulateUnbroadcast(context, 0, share));
  if (!context.Wants(1)) return OkStatus();
  TERSOR_ASSIGN_OR_RETURN(ValueId negated, context.Add(OpKind::kNegate, {share}));
  return AccumulateProduct(context, 1, negated, context.result());
}

Status GradientNegate(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  TERSOR_ASSIGN_OR_RETURN(ValueId negated, context.Add(OpKind::kNegate, {gradient}));
  return context.Accumulate(0, negated);
}

Status GradientExp(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  return AccumulateProduct(context, 0, gradient, context.result());
}

Status GradientLog(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  TERSOR_ASSIGN_OR_RETURN(ValueId share,
                          context.Add(OpKind::kDivide, {gradient, context.operand(0)}));
  return context.Accumulate(0, share);
}

// g / (2 * sqrt(x)).
Status GradientSqrt(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  TERSOR_ASSIGN_OR_RETURN(ValueId share,
                          context.Add(OpKind::kDivide, {gradient, context.result()}));
  TERSOR_ASSIGN_OR_RETURN(ValueId half, Scalar(context, 0.5));
  return AccumulateProduct(context, 0, share, half);
}

// -g/2 * y / x, with y = x^(-1/2).
Status GradientRsqrt(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  TERSOR_ASSIGN_OR_RETURN(ValueId slope,
                          context.Add(OpKind::kDivide, {context.result(), context.operand(0)}));
  TERSOR_ASSIGN_OR_RETURN(ValueId half, Scalar(context, -0.5));
  TERSOR_ASSIGN_OR_RETURN(ValueId scaled, context.Add(OpKind::kMultiply, {slope, half}));
  return AccumulateProduct(context, 0, gradient, scaled);
}

Status GradientRelu(GradientContext& context) { return FromOutput(context, OpKind::kReluGrad); }
Status GradientRelu6(GradientContext& context) { return FromOutput(context, OpKind::kRelu6Grad); }

// slope * g everywhere, and (1 - slope) * g more where the input is positive.
Status GradientLeakyRelu(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  const double slope = context.attributes().Float(Attr::slope);
  TERSOR_ASSIGN_OR_RETURN(ValueId everywhere_factor, Scalar(context, slope));
  TERSOR_ASSIGN_OR_RETURN(ValueId positive_factor, Scalar(context, 1 - slope));
  TERSOR_ASSIGN_OR_RETURN(ValueId everywhere,
                          context.Add(OpKind::kMultiply, {gradient, everywhere_factor}));
  TERSOR_ASSIGN_OR_RETURN(ValueId passed,
                          context.Add(OpKind::kReluGrad, {gradient, context.operand(0)}));
  TERSOR_ASSIGN_OR_RETURN(ValueId positive,
                          context.Add(OpKind::kMultiply, {passed, positive_factor}));
  TERSOR_ASSIGN_OR_RETURN(ValueId made, context.Add(OpKind::kAdd, {everywhere, positive}));
  return context.Accumulate(0, made);
}

Status GradientSigmoid(GradientContext& context) {
  return FromOutput(context, OpKind::kSigmoidGrad);
}
Status GradientTanh(GradientContext& context) { return FromOutput(context, OpKind::kTanhGrad); }
Status GradientSoftmax(GradientContext& context) {
  return FromOutput(context, OpKind::kSoftmaxGrad);
}

// g - softmax(x) * sum(g).
Status GradientLogSoftmax(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  TERSOR_ASSIGN_OR_RETURN(ValueId softmax, context.Add(OpKind::kExp, {context.result()}));
  Attributes reduce;
  const int64_t last = context.shape_of(gradient).rank() - 1;
  reduce.Set(Attr::axes, std::vector<int64_t>{last}).Set(Attr::keep_dims, true);
  TERSOR_ASSIGN_OR_RETURN(ValueId sum, context.Add(OpKind::kReduceSum, {gradient}, reduce));
  TERSOR_ASSIGN_OR_RETURN(ValueId share, context.Add(OpKind::kMultiply, {softmax, sum}));
  TERSOR_ASSIGN_OR_RETURN(ValueId made, context.Add(OpKind::kSubtract, {gradient, share}));
  return context.Accumulate(0, made);
}

Status GradientDropout(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  TERSOR_ASSIGN_OR_RETURN(
      ValueId dropped,
      context.Add(OpKind::kDropout, {gradient, context.operand(1)}, context.attributes()));
  return context.Accumulate(0, dropped);
}

Status GradientCast(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  const DType dtype = context.graph().value(context.operand(0)).type().dtype;
  if (!IsFloat(dtype)) return OkStatus();
  TERSOR_ASSIGN_OR_RETURN(
      ValueId cast, context.Add(OpKind::kCast, {gradient}, Attributes().Set(Attr::dtype, dtype)));
  return context.Accumulate(0, cast);
}

Status GradientReshape(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  const Shape shape = context.shape_of(context.operand(0));
  TERSOR_ASSIGN_OR_RETURN(ValueId back, context.Add(OpKind::kReshape, {gradient},
                                                    Attributes().Set(Attr::shape, shape.dims())));
  return context.Accumulate(0, back);
}

Status GradientTranspose(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  const auto& permutation = context.attributes().Ints(Attr::permutation);
  std::vector<int64_t> inverse(permutation.size());
  for (size_t i = 0; i < permutation.size(); ++i) {
    inverse[static_cast<size_t>(permutation[i])] = static_cast<int64_t>(i);
  }
  TERSOR_ASSIGN_OR_RETURN(ValueId back, context.Add(OpKind::kTranspose, {gradient},
                                                    Attributes().Set(Attr::permutation, inverse)));
  return context.Accumulate(0, back);
}

Status GradientBroadcastTo(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  return AccumulateUnbroadcast(context, 0, gradient);
}

Status GradientReduceSum(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  TERSOR_ASSIGN_OR_RETURN(ValueId spread, SpreadReduced(context, gradient));
  return context.Accumulate(0, spread);
}

Status GradientReduceMean(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  const Shape& input = context.shape_of(context.operand(0));
  double cells = 1;
  for (int64_t axis : context.attributes().Ints(Attr::axes)) {
    const int64_t extent = input[static_cast<int>(axis < 0 ? axis + input.rank() : axis)];
    if (IsSymbol(extent)) {
      return Unsupported("the mean over the symbolic extent ", SymbolName(extent),
                         " has no gradient");
    }
    cells *= static_cast<double>(extent);
  }
  TERSOR_ASSIGN_OR_RETURN(ValueId share, Scalar(context, 1.0 / cells));
  TERSOR_ASSIGN_OR_RETURN(gradient, context.Add(OpKind::kMultiply, {gradient, share}));
  TERSOR_ASSIGN_OR_RETURN(ValueId spread, SpreadReduced(context, gradient));
  return context.Accumulate(0, spread);
}

Status GradientPad(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  const auto& pads = context.attributes().Ints(Attr::pads);
  const Shape shape = context.shape_of(context.operand(0));
  std::vector<int64_t> begin;
  for (size_t axis = 0; axis < shape.dims().size(); ++axis) begin.push_back(pads[2 * axis]);
  TERSOR_ASSIGN_OR_RETURN(
      ValueId part,
      context.Add(OpKind::kSlice, {gradient},
                  Attributes().Set(Attr::begin, begin).Set(Attr::shape, shape.dims())));
  return context.Accumulate(0, part);
}

Status GradientSlice(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  const Shape input = context.shape_of(context.operand(0));
  const Shape output = context.shape_of(context.result());
  const auto& begin = context.attributes().Ints(Attr::begin);
  std::vector<int64_t> pads;
  for (int axis = 0; axis < input.rank(); ++axis) {
    const int64_t before = begin[static_cast<size_t>(axis)];
    pads.push_back(before);
    pads.push_back(input[axis] - output[axis] - before);
  }
  TERSOR_ASSIGN_OR_RETURN(
      ValueId padded, context.Add(OpKind::kPad, {gradient}, Attributes().Set(Attr::pads, pads)));
  return context.Accumulate(0, padded);
}

Status GradientConcat(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  const int rank = context.shape_of(gradient).rank();
  int64_t axis = context.attributes().Int(Attr::axis);
  if (axis < 0) axis += rank;
  std::vector<int64_t> begin(static_cast<size_t>(rank), 0);
  const auto count = static_cast<int>(context.node().operands().size());
  for (int i = 0; i < count; ++i) {
    const Shape shape = context.shape_of(context.operand(i));
    if (context.Wants(i)) {
      TERSOR_ASSIGN_OR_RETURN(
          ValueId part,
          context.Add(OpKind::kSlice, {gradient},
                      Attributes().Set(Attr::begin, begin).Set(Attr::shape, shape.dims())));
      TERSOR_RETURN_IF_ERROR(context.Accumulate(i, part));
    }
    begin[static_cast<size_t>(axis)] += shape[static_cast<int>(axis)];
  }
  return OkStatus();
}

// Every shard's result is the sum of all shards' inputs, so an input's gradient is the sum of all
// shards' gradients.
Status GradientAllReduceSum(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  TERSOR_ASSIGN_OR_RETURN(ValueId sum, context.Add(OpKind::kAllReduceSum, {gradient}));
  return context.Accumulate(0, sum);
}

}  // namespace tersor::transforms
