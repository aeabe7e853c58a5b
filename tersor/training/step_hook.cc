#include "tersor/training/step_hook.h"

#include "tersor/transforms/constants.h"

namespace tersor::training {

StepVariables::StepVariables(ir::Graph& step_graph)
    : graph_(step_graph), constants_(transforms::FindConstants(step_graph)) {}

Result<ir::ValueId> StepVariables::Find(std::string_view name) const {
  const ir::ValueId id = graph_.FindVariable(name);
  if (id == ir::kNoValue) return NotFound("variable ", name, " is not in the training step");
  return id;
}

Result<ConstTensorView> StepVariables::Read(std::string_view name) const {
  TERSOR_ASSIGN_OR_RETURN(const ir::ValueId id, Find(name));
  return graph_.value(id).data().view();
}

Result<TensorView> StepVariables::Write(std::string_view name) {
  TERSOR_ASSIGN_OR_RETURN(const ir::ValueId id, Find(name));
  if (constants_[static_cast<size_t>(id)]) {
    return FailedPrecondition("variable ", name,
                              " is a constant of the training step; the hook that writes it must "
                              "list it in host_written()");
  }
  const ir::Value& variable = graph_.value(id);
  return TensorView{&variable.type(), variable.data().buffer()->data()};
}

}  // namespace tersor::training
