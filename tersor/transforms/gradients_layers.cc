// Gradients of layers: convolution, fully connected, pooling, batch norm, embedding, loss.
#include "tersor/transforms/constants.h"
#include "tersor/transforms/gradient_context.h"

namespace tersor::transforms {

using ir::kNoValue;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

namespace {

// The sum of a gradient over all axes but the last: what a bias gets.
Result<ValueId> SumOverRows(GradientContext& context, ValueId gradient) {
  std::vector<int64_t> axes;
  for (int axis = 0; axis + 1 < context.shape_of(gradient).rank(); ++axis) axes.push_back(axis);
  return context.Add(OpKind::kReduceSum, {gradient}, Attributes().Set(Attr::axes, axes));
}

// The attributes of `from` that `op` knows, without an activation.
Attributes Shared(const Attributes& from, OpKind op) {
  Attributes shared;
  for (const auto& [attr, value] : from.items()) {
    if (attr != Attr::activation && ir::InfoOf(op).HasAttribute(attr)) shared.Set(attr, value);
  }
  return shared;
}

Result<ValueId> Row(GradientContext& context, ValueId matrix, int64_t row) {
  const int64_t columns = context.shape_of(matrix)[1];
  TERSOR_ASSIGN_OR_RETURN(ValueId slice,
                          context.Add(OpKind::kSlice, {matrix},
                                      Attributes()
                                          .Set(Attr::begin, std::vector<int64_t>{row, 0})
                                          .Set(Attr::shape, std::vector<int64_t>{1, columns})));
  return context.Add(OpKind::kReshape, {slice},
                     Attributes().Set(Attr::shape, std::vector<int64_t>{columns}));
}

// The batch_norm_statistics node that `mean` comes from, if it is that of a training step on
// `input`.
const Node* TrainingStatistics(GradientContext& context, ValueId input, ValueId mean) {
  const Node* statistics = context.graph().value(mean).producer();
  if (statistics == nullptr || statistics->op() != OpKind::kBatchNormStatistics) return nullptr;
  const Node* sums = context.graph().value(statistics->operand(0)).producer();
  if (sums != nullptr && sums->op() == OpKind::kAllReduceSum) {
    sums = context.graph().value(sums->operand(0)).producer();
  }
  const bool own =
      sums != nullptr && sums->op() == OpKind::kBatchNormMoments && sums->operand(0) == input;
  return own ? statistics : nullptr;
}

}  // namespace

Status GradientConv2d(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  if (context.Wants(3)) return Unsupported("the padding value has no gradient");
  if (context.Wants(1)) {
    Attributes attributes = Shared(context.attributes(), OpKind::kConv2dGradFilter);
    attributes.Set(Attr::filter_shape, context.shape_of(context.operand(1)).dims());
    TERSOR_ASSIGN_OR_RETURN(
        ValueId filter,
        context.Add(OpKind::kConv2dGradFilter, {context.operand(0), gradient, context.operand(3)},
                    attributes));
    TERSOR_RETURN_IF_ERROR(context.Accumulate(1, filter));
  }
  if (context.Wants(2)) {
    TERSOR_ASSIGN_OR_RETURN(ValueId bias, SumOverRows(context, gradient));
    TERSOR_RETURN_IF_ERROR(context.Accumulate(2, bias));
  }
  if (!context.Wants(0)) return OkStatus();
  Attributes attributes = Shared(context.attributes(), OpKind::kConv2dGradInput);
  attributes.Set(Attr::input_shape, context.shape_of(context.operand(0)).dims());
  TERSOR_ASSIGN_OR_RETURN(ValueId input, context.Add(OpKind::kConv2dGradInput,
                                                     {context.operand(1), gradient}, attributes));
  return context.Accumulate(0, input);
}

Status GradientFullyConnected(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  if (context.Wants(1)) {
    TERSOR_ASSIGN_OR_RETURN(ValueId filter,
                            context.Add(OpKind::kMatMul, {gradient, context.operand(0)},
                                        Attributes().Set(Attr::transpose_lhs, true)));
    TERSOR_RETURN_IF_ERROR(context.Accumulate(1, filter));
  }
  if (context.Wants(2)) {
    TERSOR_ASSIGN_OR_RETURN(ValueId bias, SumOverRows(context, gradient));
    TERSOR_RETURN_IF_ERROR(context.Accumulate(2, bias));
  }
  if (!context.Wants(0)) return OkStatus();
  TERSOR_ASSIGN_OR_RETURN(ValueId input,
                          context.Add(OpKind::kMatMul, {gradient, context.operand(1)}));
  return context.Accumulate(0, input);
}

// C = op(A) * op(B); a stack that was broadcast takes the sum over its copies.
Status GradientMatMul(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  const bool transposed_lhs = context.attributes().Bool(Attr::transpose_lhs);
  const bool transposed_rhs = context.attributes().Bool(Attr::transpose_rhs);
  const ValueId lhs = context.operand(0), rhs = context.operand(1);
  auto product = [&](ValueId a, bool transpose_a, ValueId b, bool transpose_b) {
    return context.Add(
        OpKind::kMatMul, {a, b},
        Attributes().Set(Attr::transpose_lhs, transpose_a).Set(Attr::transpose_rhs, transpose_b));
  };
  if (context.Wants(0)) {
    TERSOR_ASSIGN_OR_RETURN(ValueId made, transposed_lhs
                                              ? product(rhs, transposed_rhs, gradient, true)
                                              : product(gradient, false, rhs, !transposed_rhs));
    TERSOR_ASSIGN_OR_RETURN(made, context.Unbroadcast(made, 0));
    TERSOR_RETURN_IF_ERROR(context.Accumulate(0, made));
  }
  if (!context.Wants(1)) return OkStatus();
  TERSOR_ASSIGN_OR_RETURN(ValueId made, transposed_rhs
                                            ? product(gradient, true, lhs, transposed_lhs)
                                            : product(lhs, !transposed_lhs, gradient, false));
  TERSOR_ASSIGN_OR_RETURN(made, context.Unbroadcast(made, 1));
  return context.Accumulate(1, made);
}

Status GradientMaxPool2d(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  TERSOR_ASSIGN_OR_RETURN(
      ValueId input,
      context.Add(OpKind::kMaxPool2dGrad, {gradient, context.operand(0), context.result()},
                  Shared(context.attributes(), OpKind::kMaxPool2dGrad)));
  return context.Accumulate(0, input);
}

Status GradientAvgPool2d(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  Attributes attributes = Shared(context.attributes(), OpKind::kAvgPool2dGrad);
  attributes.Set(Attr::input_shape, context.shape_of(context.operand(0)).dims());
  TERSOR_ASSIGN_OR_RETURN(ValueId input,
                          context.Add(OpKind::kAvgPool2dGrad, {gradient}, attributes));
  return context.Accumulate(0, input);
}

Status GradientEmbedding(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  Attributes attributes;
  attributes.Set(Attr::input_shape, context.shape_of(context.operand(0)).dims());
  TERSOR_ASSIGN_OR_RETURN(ValueId table, context.Add(OpKind::kEmbeddingGrad,
                                                     {gradient, context.operand(1)}, attributes));
  return context.Accumulate(0, table);
}

namespace {

// Of a soft label: -(1 - label_smoothing) * gradient[n] * log softmax(logits[n])_k.
Status AccumulateSoftLabels(GradientContext& context, ValueId gradient) {
  TERSOR_ASSIGN_OR_RETURN(ValueId logarithm,
                          context.Add(OpKind::kLogSoftmax, {context.operand(0)}));
  const double share = context.attributes().Float(Attr::label_smoothing) - 1;
  TERSOR_ASSIGN_OR_RETURN(const ValueId factor,
                          AddConstant(context.graph(), "constant", {1}, {share}));
  TERSOR_ASSIGN_OR_RETURN(ValueId scaled, context.Add(OpKind::kMultiply, {gradient, factor}));
  const std::vector<int64_t> column = {context.shape_of(gradient)[0], 1};
  TERSOR_ASSIGN_OR_RETURN(
      scaled, context.Add(OpKind::kReshape, {scaled}, Attributes().Set(Attr::shape, column)));
  TERSOR_ASSIGN_OR_RETURN(const ValueId labels,
                          context.Add(OpKind::kMultiply, {logarithm, scaled}));
  return context.Accumulate(1, labels);
}

}  // namespace

Status GradientCrossEntropy(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  TERSOR_ASSIGN_OR_RETURN(
      ValueId logits,
      context.Add(OpKind::kCrossEntropyGrad, {gradient, context.operand(0), context.operand(1)},
                  context.attributes()));
  TERSOR_RETURN_IF_ERROR(context.Accumulate(0, logits));
  return context.Wants(1) ? AccumulateSoftLabels(context, gradient) : OkStatus();
}

// With batch statistics (Ioffe & Szegedy 2015, section 3): sums over the batch of the gradient and
// of the gradient times the normalized input give scale's and offset's gradients and, summed over
// the shards, the input's.
Status GradientBatchNorm(GradientContext& context) {
  TERSOR_ASSIGN_OR_RETURN(ValueId gradient, context.ResultGradient());
  const ValueId input = context.operand(0), scale = context.operand(1);
  const ValueId mean = context.operand(3), variance = context.operand(4);
  const Node* statistics = TrainingStatistics(context, input, mean);
  if (statistics == nullptr && (context.Wants(3) || context.Wants(4))) {
    return Unsupported("the gradient of statistics that do not come from the batch norm's input");
  }
  ValueId sums = kNoValue;
  if (statistics != nullptr || context.Wants(1) || context.Wants(2)) {
    TERSOR_ASSIGN_OR_RETURN(
        sums, context.Add(OpKind::kBatchNormGradSums, {gradient, input, mean, variance},
                          context.attributes()));
  }
  if (context.Wants(2)) {
    TERSOR_ASSIGN_OR_RETURN(ValueId offset, Row(context, sums, 0));
    TERSOR_RETURN_IF_ERROR(context.Accumulate(2, offset));
  }
  if (context.Wants(1)) {
    TERSOR_ASSIGN_OR_RETURN(ValueId made, Row(context, sums, 1));
    TERSOR_RETURN_IF_ERROR(context.Accumulate(1, made));
  }
  if (!context.Wants(0)) return OkStatus();
  if (statistics != nullptr) {
    TERSOR_ASSIGN_OR_RETURN(ValueId all, context.Add(OpKind::kAllReduceSum, {sums}));
    TERSOR_ASSIGN_OR_RETURN(ValueId made, context.Add(OpKind::kBatchNormGrad,
                                                      {gradient, input, scale, mean, variance, all,
                                                       statistics->result(2)},
                                                      context.attributes()));
    return context.Accumulate(0, made);
  }
  // Fixed statistics: gradient * scale / sqrt(variance + epsilon).
  TERSOR_ASSIGN_OR_RETURN(
      ValueId epsilon,
      AddConstant(context.graph(), "epsilon", {1}, {context.attributes().Float(Attr::epsilon)}));
  TERSOR_ASSIGN_OR_RETURN(ValueId shifted, context.Add(OpKind::kAdd, {variance, epsilon}));
  TERSOR_ASSIGN_OR_RETURN(ValueId inverse, context.Add(OpKind::kRsqrt, {shifted}));
  TERSOR_ASSIGN_OR_RETURN(ValueId factor, context.Add(OpKind::kMultiply, {inverse, scale}));
  TERSOR_ASSIGN_OR_RETURN(ValueId made, context.Add(OpKind::kMultiply, {gradient, factor}));
  return context.Accumulate(0, made);
}

}  // namespace tersor::transforms
