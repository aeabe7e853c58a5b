#include "tersor/ir/verifier.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/ir/shape_rules.h"

namespace tersor::ir {
namespace {

class Verifier {
 public:
  explicit Verifier(const Graph& graph)
      : graph_(graph), defined_(static_cast<size_t>(graph.num_values()), false) {}

  Status Run() {
    for (ValueId id : graph_.inputs()) {
      if (Status status = Define(id, Value::Kind::kInput); !status.ok()) {
        return status.WithContext(Describe("input", id));
      }
    }
    for (ValueId id : graph_.variables()) {
      if (Status status = CheckVariable(id); !status.ok()) {
        return status.WithContext(Describe("variable", id));
      }
    }
    for (size_t i = 0; i < graph_.nodes().size(); ++i) {
      if (Status status = CheckNode(*graph_.nodes()[i]); !status.ok()) {
        return status.WithContext(DescribeNode(i));
      }
    }
    for (ValueId id : graph_.outputs()) {
      if (!IsDefined(id)) return InvalidArgument("output ", id, " is not a value of the graph");
    }
    return OkStatus();
  }

 private:
  std::string Describe(std::string_view what, ValueId id) const {
    return StrCat(what, " '", graph_.Contains(id) ? graph_.value(id).name() : "", "'");
  }

  std::string DescribeNode(size_t index) const {
    std::string text = StrCat("node ", index);
    for (ValueId id : graph_.nodes()[index]->results()) {
      if (!graph_.Contains(id) || graph_.value(id).name().empty()) continue;
      return StrCat(text, " (%", graph_.value(id).name(), ")");
    }
    return text;
  }

  bool IsDefined(ValueId id) const {
    return graph_.Contains(id) && defined_[static_cast<size_t>(id)];
  }

  // A value comes into being: once, as `kind`, with a type and a name that may be.
  Status Define(ValueId id, Value::Kind kind) {
    if (!graph_.Contains(id)) return InvalidArgument("value ", id, " does not exist");
    const Value& value = graph_.value(id);
    if (value.kind() != kind) return InvalidArgument("value ", id, " is of another kind");
    if (IsDefined(id)) return InvalidArgument("value ", id, " is defined twice");
    defined_[static_cast<size_t>(id)] = true;
    TERSOR_RETURN_IF_ERROR(CheckType(value.type()));
    if (value.name().empty()) {
      return kind == Value::Kind::kResult ? OkStatus() : InvalidArgument("it has no name");
    }
    if (!names_.insert(value.name()).second) {
      return InvalidArgument("name '", value.name(), "' is used twice");
    }
    return OkStatus();
  }

  Status CheckVariable(ValueId id) {
    TERSOR_RETURN_IF_ERROR(Define(id, Value::Kind::kVariable));
    const Value& variable = graph_.value(id);
    const TensorType& type = variable.type();
    if (type.shape.IsSymbolic()) return InvalidArgument(type.ToString(), " has a symbolic extent");
    if (!variable.has_data()) return OkStatus();
    // What is encoded is not decoded for this: an EncodedTensor is valid in itself.
    const EncodedTensor* encoded = variable.encoded().get();
    const TensorType& found = encoded != nullptr ? encoded->type() : variable.data().type();
    if (found != type) {
      return InvalidArgument("its data is ", found.ToString(), ", its type ", type.ToString(),
                             type.quantization ? " with a scale" : "");
    }
    if (encoded != nullptr) return OkStatus();
    const size_t size_bytes = variable.data().buffer()->size_bytes();
    if (size_bytes != static_cast<size_t>(type.size_bytes())) {
      return InvalidArgument("its data has ", size_bytes, " bytes, ", type.ToString(), " needs ",
                             type.size_bytes());
    }
    return OkStatus();
  }

  Status CheckOperands(const Node& node, std::vector<const TensorType*>& types) const {
    const OpInfo& info = node.info();
    for (size_t i = 0; i < node.operands().size(); ++i) {
      const ValueId id = node.operands()[i];
      if (id == kNoValue) {
        types.push_back(nullptr);
        continue;
      }
      if (!IsDefined(id)) {
        return InvalidArgument(info.text_name, ": operand ", i, " is ",
                               graph_.Contains(id) ? "used before it is made" : "no value");
      }
      if (i < info.operands.size() && info.operands[i].mutated && !graph_.value(id).is_variable()) {
        return InvalidArgument(info.text_name, ": ", info.operands[i].name,
                               " is written, so it must be a variable");
      }
      types.push_back(&graph_.value(id).type());
    }
    return OkStatus();
  }

  Status CheckNode(const Node& node) {
    const OpInfo& info = node.info();
    std::vector<const TensorType*> types;
    TERSOR_RETURN_IF_ERROR(CheckOperands(node, types));
    if (node.results().size() != info.results.size()) {
      return InvalidArgument(info.text_name, ": ", node.results().size(), " results, expected ",
                             info.results.size());
    }
    for (ValueId id : node.results()) {
      TERSOR_RETURN_IF_ERROR(Define(id, Value::Kind::kResult).WithContext(info.text_name));
      if (graph_.value(id).producer() != &node) {
        return InvalidArgument(info.text_name, ": result ", id, " names another node as its maker");
      }
    }
    std::optional<TensorType> hint;
    if (!node.results().empty()) hint = graph_.value(node.result()).type();
    TERSOR_ASSIGN_OR_RETURN(const auto expected,
                            InferTypes(node.op(), types, node.attributes(), hint));
    for (size_t i = 0; i < expected.size(); ++i) {
      const TensorType& type = graph_.value(node.results()[i]).type();
      if (type == expected[i]) continue;
      return InvalidArgument(info.text_name, ": ", info.results[i], " is ", type.ToString(),
                             ", its operands give ", expected[i].ToString());
    }
    return OkStatus();
  }

  const Graph& graph_;
  std::vector<bool> defined_;
  std::set<std::string_view> names_;
};

}  // namespace

Status Verify(const Graph& graph) { return Verifier(graph).Run(); }

}  // namespace tersor::ir
