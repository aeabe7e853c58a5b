// Batch normalization, softmax and the loss.
#include <limits>

#include "tersor/ir/shape_rules/rule.h"

namespace tersor::ir {
namespace {

constexpr double kLargest = std::numeric_limits<double>::max();

// The extent of the last axis.
Result<int64_t> Channels(const RuleInput& in, int i) {
  const Shape& shape = in.shape(i);
  if (shape.rank() < 2) {
    return in.Fail(in.name(i), " is ", in.type(i), ", expected at least 2 axes");
  }
  return shape[shape.rank() - 1];
}

RuleResult AlongLastAxis(const RuleInput& in) {
  if (in.shape(0).rank() < 1 || in.shape(0)[in.shape(0).rank() - 1] == kBatch) {
    return in.Fail("input is ", in.type(0), ", expected an axis of classes");
  }
  TERSOR_ASSIGN_OR_RETURN(TensorType type, in.ComputedType(in.shape(0)));
  return One(std::move(type));
}

Status ExpectLogitsAndLabels(const RuleInput& in, int logits) {
  TERSOR_RETURN_IF_ERROR(in.ExpectF32(logits));
  TERSOR_RETURN_IF_ERROR(in.ExpectRank(logits, 2));
  const Shape numbers{in.shape(logits)[0]};
  const TensorType& labels = in.type(logits + 1);
  const bool hard = labels.dtype == DType::kI32 && labels.shape == numbers;
  const bool soft = labels.dtype == DType::kF32 && labels.shape == in.shape(logits);
  if (!hard && !soft) {
    return in.Fail("labels is ", labels, ", expected i32", numbers, " or ", in.type(logits));
  }
  return in.ExpectRange(Attr::label_smoothing, 0, 1);
}

}  // namespace

RuleResult RuleBatchNorm(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(in.ExpectFloat(0));
  TERSOR_ASSIGN_OR_RETURN(const int64_t channels, Channels(in, 0));
  for (int i = 1; i <= 4; ++i) TERSOR_RETURN_IF_ERROR(in.ExpectFloat(i, Shape{channels}));
  TERSOR_RETURN_IF_ERROR(in.ExpectRange(Attr::epsilon, 0, kLargest));
  return OneFloat(in, in.shape(0));
}

RuleResult RuleBatchNormGrad(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(in.ExpectF32(1));
  TERSOR_ASSIGN_OR_RETURN(const int64_t channels, Channels(in, 1));
  TERSOR_RETURN_IF_ERROR(in.ExpectF32(0, in.shape(1)));
  for (int i = 2; i <= 4; ++i) TERSOR_RETURN_IF_ERROR(in.ExpectF32(i, Shape{channels}));
  TERSOR_RETURN_IF_ERROR(in.ExpectF32(5, Shape{2, channels}));
  TERSOR_RETURN_IF_ERROR(in.ExpectF32(6, Shape{}));
  TERSOR_RETURN_IF_ERROR(in.ExpectRange(Attr::epsilon, 0, kLargest));
  return OneF32(in.shape(1));
}

RuleResult RuleBatchNormGradSums(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(in.ExpectF32(1));
  TERSOR_ASSIGN_OR_RETURN(const int64_t channels, Channels(in, 1));
  TERSOR_RETURN_IF_ERROR(in.ExpectF32(0, in.shape(1)));
  for (int i = 2; i <= 3; ++i) TERSOR_RETURN_IF_ERROR(in.ExpectF32(i, Shape{channels}));
  TERSOR_RETURN_IF_ERROR(in.ExpectRange(Attr::epsilon, 0, kLargest));
  return OneF32(Shape{2, channels});
}

RuleResult RuleBatchNormMoments(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(in.ExpectF32(0));
  TERSOR_ASSIGN_OR_RETURN(const int64_t channels, Channels(in, 0));
  return OneF32(Shape{3, channels});
}

RuleResult RuleBatchNormStatistics(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(in.ExpectF32(0));
  if (in.shape(0).rank() != 2 || in.shape(0)[0] != 3) {
    return in.Fail("sums is ", in.type(0), ", expected f32[3,C]");
  }
  const Shape channels{in.shape(0)[1]};
  return std::vector<TensorType>{{DType::kF32, channels, std::nullopt},
                                 {DType::kF32, channels, std::nullopt},
                                 {DType::kF32, Shape{}, std::nullopt}};
}

RuleResult RuleCrossEntropy(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(ExpectLogitsAndLabels(in, 0));
  return OneF32(Shape{in.shape(0)[0]});
}

RuleResult RuleCrossEntropyGrad(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(ExpectLogitsAndLabels(in, 1));
  TERSOR_RETURN_IF_ERROR(in.ExpectF32(0, Shape{in.shape(1)[0]}));
  return OneF32(in.shape(1));
}

RuleResult RuleLogSoftmax(const RuleInput& in) { return AlongLastAxis(in); }
RuleResult RuleSoftmax(const RuleInput& in) { return AlongLastAxis(in); }

RuleResult RuleSoftmaxGrad(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(in.ExpectFloat(0));
  TERSOR_RETURN_IF_ERROR(in.ExpectFloat(1, in.shape(0)));
  return AlongLastAxis(in);
}

}  // namespace tersor::ir
