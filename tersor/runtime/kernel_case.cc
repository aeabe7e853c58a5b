#include "tersor/runtime/plan.h"

namespace tersor::runtime {
namespace {

using Place = PlannedValue::Place;

// The type, and the data of a constant.
ConstTensorView View(const Plan& plan, ir::ValueId id) {
  if (id == ir::kNoValue) return {};
  const PlannedValue& value = plan.value(id);
  if (value.place != Place::kConstant) return {&value.type, nullptr};
  return {&value.type, plan.variables[static_cast<size_t>(value.at)].view().data};
}

const EncodedTensor* Encoded(const Plan& plan, ir::ValueId id) {
  if (id == ir::kNoValue || plan.value(id).place != Place::kConstant) return nullptr;
  return plan.encoded[static_cast<size_t>(plan.value(id).at)].get();
}

}  // namespace

KernelCase::KernelCase(const Plan& plan, const PlanStep& step) {
  for (ir::ValueId id : step.operator_operands) {
    operands_.push_back(View(plan, id));
    encoded_.push_back(Encoded(plan, id));
  }
  for (ir::ValueId id : step.operator_results) results_.push_back(plan.value(id).type);
  for (const PlannedLink& link : step.epilogue) {
    epilogue_.push_back(
        {link.kind, View(plan, link.operand), &link.attributes, plan.value(link.result).type});
  }
  spec_.operands = operands_;
  spec_.encoded = encoded_;
  spec_.results = results_;
  spec_.attributes = &step.attributes;
  spec_.epilogue = epilogue_;
  spec_.threads = plan.threads;
}

}  // namespace tersor::runtime
