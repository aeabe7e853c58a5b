// Operators that write a variable in place and have no result.
#include <limits>

#include "tersor/ir/shape_rules/rule.h"

namespace tersor::ir {
namespace {

constexpr double kLargest = std::numeric_limits<double>::max();

// Operand 0 is the variable; the others that are there have its type, except for scalars.
Status ExpectVariableAnd(const RuleInput& in, std::initializer_list<int> same,
                         std::initializer_list<int> scalars) {
  TERSOR_RETURN_IF_ERROR(in.ExpectF32(0));
  for (int i : same) {
    if (in.Has(i)) TERSOR_RETURN_IF_ERROR(in.ExpectF32(i, in.shape(0)));
  }
  for (int i : scalars) TERSOR_RETURN_IF_ERROR(in.ExpectF32(i, Shape{}));
  return OkStatus();
}

RuleResult Nothing() { return std::vector<TensorType>{}; }

}  // namespace

RuleResult RuleAdamUpdate(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(ExpectVariableAnd(in, {1, 2, 3}, {4, 5}));
  TERSOR_RETURN_IF_ERROR(in.ExpectBelow(Attr::beta1, 0, 1));
  TERSOR_RETURN_IF_ERROR(in.ExpectBelow(Attr::beta2, 0, 1));
  TERSOR_RETURN_IF_ERROR(in.ExpectRange(Attr::epsilon, 0, kLargest));
  TERSOR_RETURN_IF_ERROR(in.ExpectRange(Attr::weight_decay, 0, kLargest));
  return Nothing();
}

RuleResult RuleMovingAverageUpdate(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(ExpectVariableAnd(in, {1}, {}));
  TERSOR_RETURN_IF_ERROR(in.ExpectRange(Attr::decay, 0, 1));
  return Nothing();
}

RuleResult RuleSgdUpdate(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(ExpectVariableAnd(in, {1, 2}, {3}));
  TERSOR_RETURN_IF_ERROR(in.ExpectRange(Attr::momentum, 0, kLargest));
  TERSOR_RETURN_IF_ERROR(in.ExpectRange(Attr::weight_decay, 0, kLargest));
  if (in.attributes.Float(Attr::momentum) > 0 && !in.Has(2)) {
    return in.Fail("momentum is ", in.attributes.Float(Attr::momentum),
                   ", which needs the operand velocity");
  }
  return Nothing();
}

}  // namespace tersor::ir
