// Pooling and reductions.
#include <algorithm>

#include "tersor/ir/shape_rules/rule.h"

namespace tersor::ir {
namespace {

RuleResult Reduce(const RuleInput& in) {
  const auto& axes = in.attributes.Ints(Attr::axes);
  const Shape& input = in.shape(0);
  std::vector<int64_t> dims;
  size_t next = 0;
  for (int axis = 0; axis < input.rank(); ++axis) {
    const bool reduced = next < axes.size() && axes[next] == axis;
    if (reduced) ++next;
    if (!reduced) dims.push_back(input[axis]);
    if (reduced && in.attributes.Bool(Attr::keep_dims)) dims.push_back(1);
  }
  if (axes.empty() || next != axes.size()) {
    return in.Fail("axes are ", FormatAttrValue(Attr::axes, in.attributes.Get(Attr::axes)),
                   ", expected ascending axes of ", input);
  }
  TERSOR_ASSIGN_OR_RETURN(TensorType type, in.ComputedType(Shape(std::move(dims))));
  return One(std::move(type));
}

}  // namespace

RuleResult RuleAvgPool2d(const RuleInput& in) {
  TERSOR_ASSIGN_OR_RETURN(Shape shape, PoolShape(in, in.shape(0)));
  TERSOR_ASSIGN_OR_RETURN(TensorType type, in.ComputedType(std::move(shape)));
  return One(std::move(type));
}

RuleResult RuleAvgPool2dGrad(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(in.ExpectAllFloat());
  TERSOR_RETURN_IF_ERROR(in.ExpectRank(0, 4));
  TERSOR_ASSIGN_OR_RETURN(Shape input, ShapeAttribute(in, Attr::input_shape, in.shape(0)[0]));
  TERSOR_ASSIGN_OR_RETURN(Shape output, PoolShape(in, input));
  TERSOR_RETURN_IF_ERROR(in.ExpectFloat(0, output));
  return OneFloat(in, std::move(input));
}

RuleResult RuleMaxPool2d(const RuleInput& in) {
  const TensorType& input = in.type(0);
  if (!IsFloat(input.dtype) && !IsEightBitPerTensor(input)) {
    return in.Fail("input is ", Describe(input),
                   ", expected f32, f16 or bf16, or i8 or u8 with one scale");
  }
  TERSOR_ASSIGN_OR_RETURN(Shape shape, PoolShape(in, input.shape));
  return One({input.dtype, std::move(shape), input.quantization});
}

RuleResult RuleMaxPool2dGrad(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(in.ExpectAllFloat());
  TERSOR_ASSIGN_OR_RETURN(Shape output, PoolShape(in, in.shape(1)));
  TERSOR_RETURN_IF_ERROR(in.ExpectFloat(0, output));
  TERSOR_RETURN_IF_ERROR(in.ExpectFloat(2, output));
  return OneFloat(in, in.shape(1));
}

RuleResult RuleReduceMax(const RuleInput& in) { return Reduce(in); }
RuleResult RuleReduceMean(const RuleInput& in) { return Reduce(in); }
RuleResult RuleReduceSum(const RuleInput& in) { return Reduce(in); }

RuleResult RuleAllReduceSum(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(in.ExpectF32(0));
  if (std::ranges::find(in.shape(0).dims(), kBatch) != in.shape(0).dims().end()) {
    return in.Fail("input is ", in.type(0), ": shards have no batch in common");
  }
  return OneF32(in.shape(0));
}

}  // namespace tersor::ir
