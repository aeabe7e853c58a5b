#include "tersor/ir/graph.h"

namespace tersor::ir {

// What `other` asks of this graph: a value of the right type for each input, and free names.
Status Graph::CheckInline(const Graph& other, const std::map<std::string, ValueId>& bindings,
                          std::string_view prefix) const {
  for (const auto& [name, id] : bindings) {
    auto found = other.names_.find(name);
    if (found == other.names_.end() || other.value(found->second).kind() != Value::Kind::kInput) {
      return InvalidArgument("graph ", other.name(), " has no input '", name, "'");
    }
    if (!Contains(id)) {
      return InvalidArgument("input '", name, "' of graph ", other.name(),
                             " is bound to no value of graph ", name_);
    }
  }
  for (ValueId id : other.inputs_) {
    const Value& input = other.value(id);
    auto bound = bindings.find(input.name());
    if (bound == bindings.end()) {
      return InvalidArgument("input '", input.name(), "' of graph ", other.name(), " is not bound");
    }
    const TensorType& type = value(bound->second).type();
    if (type != input.type()) {
      return InvalidArgument("input '", input.name(), "' of graph ", other.name(), " is ",
                             input.type().ToString(), ", it is bound to ", type.ToString());
    }
  }
  for (ValueId id : other.variables_) {
    const std::string name = StrCat(prefix, other.value(id).name());
    if (names_.contains(name)) return InvalidArgument("the name '", name, "' is taken");
  }
  return OkStatus();
}

Result<std::map<std::string, ValueId>> Graph::Inline(const Graph& other,
                                                     const std::map<std::string, ValueId>& bindings,
                                                     std::string_view prefix) {
  TERSOR_RETURN_IF_ERROR(CheckInline(other, bindings, prefix));
  std::vector<ValueId> here(other.values_.size(), kNoValue);  // by id in `other`
  auto of = [&](ValueId id) { return id == kNoValue ? id : here[static_cast<size_t>(id)]; };
  for (ValueId id : other.inputs_) {
    here[static_cast<size_t>(id)] = bindings.find(other.value(id).name())->second;
  }
  for (ValueId id : other.variables_) {
    const Value& variable = other.value(id);
    const ValueId made = AddVariable(StrCat(prefix, variable.name()), variable.type(), false);
    Value copy = variable;
    copy.id_ = made;
    copy.name_ = value(made).name_;
    value(made) = std::move(copy);
    here[static_cast<size_t>(id)] = made;
  }
  for (const auto& node : other.nodes_) {
    std::vector<ValueId> operands;
    for (ValueId id : node->operands_) operands.push_back(of(id));
    std::optional<TensorType> first;
    if (!node->results_.empty()) first = other.value(node->results_[0]).type();
    TERSOR_ASSIGN_OR_RETURN(Node * made,
                            AddNode(node->op_, std::move(operands), node->attributes_, first));
    for (size_t i = 0; i < node->results_.size(); ++i) {
      const std::string& name = other.value(node->results_[i]).name();
      if (!name.empty()) SetName(made->results_[i], StrCat(prefix, name));
      here[static_cast<size_t>(node->results_[i])] = made->results_[i];
    }
  }
  std::map<std::string, ValueId> outputs;
  for (size_t i = 0; i < other.outputs_.size(); ++i) {
    outputs[other.OutputName(static_cast<int>(i))] = of(other.outputs_[i]);
  }
  return outputs;
}

}  // namespace tersor::ir
