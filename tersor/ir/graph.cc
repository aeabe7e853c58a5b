#include "tersor/ir/graph.h"

#include <algorithm>

#include "tersor/ir/shape_rules.h"

namespace tersor::ir {

void Value::set_encoded(EncodedTensor::Ptr encoded) {
  if (encoded->encoding() == Encoding::kDense) {
    data_ = Tensor(encoded->type(), encoded->buffer());
    encoded_ = nullptr;
    return;
  }
  data_ = Tensor();
  encoded_ = std::move(encoded);
}

Result<Tensor> DenseData(const Value& variable) {
  if (!variable.has_data()) {
    return FailedPrecondition("variable '", variable.name(), "' has no data");
  }
  if (variable.data().empty()) {
    return ResourceExhausted("variable '", variable.name(), "': cannot allocate ",
                             variable.type().size_bytes(), " bytes to decode it");
  }
  return variable.data();
}

Graph Graph::Clone() const {
  Graph copy(name_);
  copy.metadata_ = metadata_;
  copy.inputs_ = inputs_;
  copy.outputs_ = outputs_;
  copy.variables_ = variables_;
  copy.names_ = names_;
  copy.last_suffix_ = last_suffix_;
  copy.values_.resize(values_.size());
  for (size_t i = 0; i < values_.size(); ++i) {
    if (values_[i] != nullptr) copy.values_[i] = std::make_unique<Value>(*values_[i]);
  }
  for (const auto& node : nodes_) {
    copy.nodes_.push_back(std::make_unique<Node>(*node));
    for (ValueId id : node->results_) copy.value(id).producer_ = copy.nodes_.back().get();
  }
  return copy;
}

ValueId Graph::FindVariable(std::string_view name) const {
  auto found = names_.find(name);
  if (found == names_.end() || !value(found->second).is_variable()) return kNoValue;
  return found->second;
}

std::string Graph::OutputName(int i) const {
  const std::string& name = value(outputs_[static_cast<size_t>(i)]).name();
  return name.empty() ? StrCat("output_", i) : name;
}

std::vector<Node*> Graph::SnapshotNodes() const {
  std::vector<Node*> nodes;
  nodes.reserve(nodes_.size());
  for (const auto& node : nodes_) nodes.push_back(node.get());
  return nodes;
}

std::vector<Node*> Graph::UsersOf(ValueId id) const {
  std::vector<Node*> users;
  for (const auto& node : nodes_) {
    if (std::find(node->operands_.begin(), node->operands_.end(), id) != node->operands_.end()) {
      users.push_back(node.get());
    }
  }
  return users;
}

int Graph::UseCount(ValueId id) const {
  auto count = std::count(outputs_.begin(), outputs_.end(), id);
  for (const auto& node : nodes_) {
    count += std::count(node->operands_.begin(), node->operands_.end(), id);
  }
  return static_cast<int>(count);
}

std::vector<int> Graph::UseCounts() const {
  std::vector<int> counts(values_.size(), 0);
  for (ValueId id : outputs_) ++counts[static_cast<size_t>(id)];
  for (const auto& node : nodes_) {
    for (ValueId id : node->operands_) {
      if (id != kNoValue) ++counts[static_cast<size_t>(id)];
    }
  }
  return counts;
}

bool Graph::IsOutput(ValueId id) const {
  return std::find(outputs_.begin(), outputs_.end(), id) != outputs_.end();
}

int64_t Graph::num_parameters() const {
  int64_t count = 0;
  for (ValueId id : variables_) {
    const TensorType& type = value(id).type();
    if (type.dtype != DType::kI64) count += type.shape.num_elements();
  }
  return count;
}

ValueId Graph::NewValue(Value::Kind kind, TensorType type, std::string name) {
  auto value = std::make_unique<Value>();
  value->id_ = static_cast<ValueId>(values_.size());
  value->kind_ = kind;
  value->type_ = std::move(type);
  value->name_ = std::move(name);
  if (!value->name_.empty()) names_[value->name_] = value->id_;
  values_.push_back(std::move(value));
  return values_.back()->id_;
}

std::string Graph::UniqueName(std::string name) {
  if (!names_.contains(name)) return name;
  for (int& suffix = last_suffix_[name];;) {
    std::string candidate = StrCat(name, '_', ++suffix);
    if (!names_.contains(candidate)) return candidate;
  }
}

ValueId Graph::AddInput(std::string name, TensorType type) {
  const ValueId id = NewValue(Value::Kind::kInput, std::move(type), UniqueName(std::move(name)));
  inputs_.push_back(id);
  return id;
}

ValueId Graph::AddVariable(std::string name, Tensor data, bool trainable) {
  const ValueId id = AddVariable(std::move(name), data.type(), trainable);
  value(id).data_ = std::move(data);
  return id;
}

ValueId Graph::AddVariable(std::string name, EncodedTensor::Ptr data, bool trainable) {
  const ValueId id = AddVariable(std::move(name), data->type(), trainable);
  value(id).set_encoded(std::move(data));
  return id;
}

ValueId Graph::AddVariable(std::string name, TensorType type, bool trainable) {
  const ValueId id = NewValue(Value::Kind::kVariable, std::move(type), UniqueName(std::move(name)));
  value(id).trainable_ = trainable;
  variables_.push_back(id);
  return id;
}

Result<Node*> Graph::AddNode(OpKind op, std::vector<ValueId> operands, Attributes attributes,
                             std::optional<TensorType> result_hint, const Node* before) {
  while (!operands.empty() && operands.back() == kNoValue) operands.pop_back();
  const OpInfo& info = InfoOf(op);
  std::vector<const TensorType*> types;
  for (ValueId id : operands) {
    if (id != kNoValue && !Contains(id)) {
      return Internal(info.text_name, ": operand ", id, " is not a value of the graph");
    }
    types.push_back(id == kNoValue ? nullptr : &value(id).type());
  }
  TERSOR_ASSIGN_OR_RETURN(auto result_types, InferTypes(op, types, attributes, result_hint));

  auto node = std::make_unique<Node>();
  node->op_ = op;
  node->attributes_ = std::move(attributes);
  node->operands_ = std::move(operands);
  for (TensorType& type : result_types) {
    const ValueId id = NewValue(Value::Kind::kResult, std::move(type), "");
    value(id).producer_ = node.get();
    node->results_.push_back(id);
  }
  Node* added = node.get();
  auto place = nodes_.end();
  if (before != nullptr) {
    place = std::find_if(nodes_.begin(), nodes_.end(),
                         [&](const auto& other) { return other.get() == before; });
  }
  nodes_.insert(place, std::move(node));
  return added;
}

void Graph::SetName(ValueId id, std::string name) {
  Value& target = value(id);
  if (target.name_ == name) return;
  if (!target.name_.empty()) names_.erase(target.name_);
  target.name_ = name.empty() ? name : UniqueName(std::move(name));
  if (!target.name_.empty()) names_[target.name_] = id;
}

void Graph::ReplaceUses(ValueId from, ValueId to, const Node* except) {
  for (auto& node : nodes_) {
    if (node.get() == except) continue;
    std::replace(node->operands_.begin(), node->operands_.end(), from, to);
  }
  std::replace(outputs_.begin(), outputs_.end(), from, to);
  Value& old_value = value(from);
  if (old_value.kind_ == Value::Kind::kResult && !old_value.name_.empty() &&
      value(to).kind_ == Value::Kind::kResult && value(to).name_.empty()) {
    std::string name = old_value.name_;
    SetName(from, "");
    SetName(to, std::move(name));
  }
}

void Graph::SetOperand(Node* node, int index, ValueId id) {
  if (index >= static_cast<int>(node->operands_.size())) {
    node->operands_.resize(static_cast<size_t>(index) + 1, kNoValue);
  }
  node->operands_[static_cast<size_t>(index)] = id;
  while (!node->operands_.empty() && node->operands_.back() == kNoValue) node->operands_.pop_back();
}

void Graph::RemoveNode(Node* node) {
  for (ValueId id : node->results_) {
    TERSOR_CHECK(UseCount(id) == 0);
    RemoveValue(id);
  }
  std::erase_if(nodes_, [&](const auto& other) { return other.get() == node; });
}

void Graph::RemoveValue(ValueId id) {
  const std::string& name = value(id).name_;
  if (!name.empty()) names_.erase(name);
  values_[static_cast<size_t>(id)].reset();
}

void Graph::RemoveVariable(ValueId id) {
  TERSOR_CHECK(UseCount(id) == 0);
  std::erase(variables_, id);
  std::erase(inputs_, id);
  RemoveValue(id);
}

int Graph::RemoveDead() {
  std::vector<int> counts = UseCounts();
  const auto is_read = [&](ValueId id) { return counts[static_cast<size_t>(id)] > 0; };
  int removed = 0;
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    if ((*node)->info().mutates() || std::ranges::any_of((*node)->results_, is_read)) continue;
    for (ValueId id : (*node)->operands_) {
      if (id != kNoValue) --counts[static_cast<size_t>(id)];
    }
    for (ValueId id : (*node)->results_) RemoveValue(id);
    node->reset();
    ++removed;
  }
  std::erase(nodes_, nullptr);
  std::erase_if(variables_, [&](ValueId id) {
    if (is_read(id)) return false;
    RemoveValue(id);
    ++removed;
    return true;
  });
  return removed;
}

}  // namespace tersor::ir
