// The one graph: SSA values, variables and nodes. See docs/ir.md for its text form.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/attributes.h"
#include "tersor/base/encoded_tensor.h"
#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/ir/op.h"

namespace tersor::ir {

/// Index of a value in its graph. Stays valid while the graph lives, whatever rewrites do; never
/// reused.
using ValueId = int32_t;
/// Stands where an optional operand is absent.
inline constexpr ValueId kNoValue = -1;

class Node;

/// Anything that an operator can read: a graph input, a variable, or a result of a node.
class Value {
 public:
  enum class Kind : uint8_t { kInput, kVariable, kResult };

  ValueId id() const { return id_; }
  Kind kind() const { return kind_; }
  bool is_variable() const { return kind_ == Kind::kVariable; }
  const TensorType& type() const { return type_; }
  TensorType& mutable_type() { return type_; }
  /// Variables and inputs always have a name, unique in the graph; results may have one ("" if
  /// not).
  const std::string& name() const { return name_; }
  /// The node that makes it (kResult), else null.
  Node* producer() const { return producer_; }

  // Variables only. Their data is dense or encoded (base/encoded_tensor.h). The storage is shared:
  // copies of the graph and executables made from it see the same bytes. A rewrite that changes
  // data sets a new tensor, and whoever sets the data replaces the encoding too.

  /// False for a variable whose data is not there (the text form without data).
  bool has_data() const { return encoded_ != nullptr || !data_.empty(); }
  /// The dense view. Encoded data is decoded at the first call, once for all copies of the graph,
  /// and may not be written; several threads may call this at a time. Empty where the variable has
  /// no data, or no memory could be had to decode it.
  const Tensor& data() const { return encoded_ != nullptr ? encoded_->dense() : data_; }
  /// The encoded form, null where the data is dense.
  const EncodedTensor::Ptr& encoded() const { return encoded_; }
  /// Dense data from here on; an encoding that was there is dropped.
  void set_data(Tensor data) {
    data_ = std::move(data);
    encoded_ = nullptr;
  }
  /// The data in this encoding from here on, of the variable's type. One of Encoding::kDense is
  /// kept as dense data.
  void set_encoded(EncodedTensor::Ptr encoded);
  bool trainable() const { return trainable_; }
  void set_trainable(bool trainable) { trainable_ = trainable; }
  /// Variables only. True for a variable that the program writes between two runs (a mask, a
  /// temperature): a compiler must not treat it as a constant. It is a mark of a graph in memory,
  /// set by whoever makes a training step; neither the text form nor a file keeps it.
  bool host_written() const { return host_written_; }
  void set_host_written(bool host_written) { host_written_ = host_written; }

 private:
  friend class Graph;
  ValueId id_ = kNoValue;
  Kind kind_ = Kind::kInput;
  TensorType type_;
  std::string name_;
  Node* producer_ = nullptr;
  Tensor data_;                 // empty where encoded_ is set
  EncodedTensor::Ptr encoded_;  // null where the data is dense
  bool trainable_ = false;
  bool host_written_ = false;
};

/// One application of an operator. Owned by its graph.
class Node {
 public:
  OpKind op() const { return op_; }
  const OpInfo& info() const { return InfoOf(op_); }
  const Attributes& attributes() const { return attributes_; }
  Attributes& mutable_attributes() { return attributes_; }
  /// As ops.inc lists them; kNoValue where absent; trailing absent ones are not stored.
  const std::vector<ValueId>& operands() const { return operands_; }
  /// Operand `i`, or kNoValue when it is absent or beyond the stored ones.
  ValueId operand(int i) const {
    return i < static_cast<int>(operands_.size()) ? operands_[static_cast<size_t>(i)] : kNoValue;
  }
  const std::vector<ValueId>& results() const { return results_; }
  ValueId result(int i = 0) const { return results_[static_cast<size_t>(i)]; }

 private:
  friend class Graph;
  OpKind op_ = OpKind::kAdd;
  Attributes attributes_;
  std::vector<ValueId> operands_;
  std::vector<ValueId> results_;
};

/// Inputs, outputs, variables and nodes in topological order. It can be moved; Clone() makes a copy
/// that shares the variables' storage. Several threads at once may read it, and only read it.
class Graph {
 public:
  explicit Graph(std::string name = "graph") : name_(std::move(name)) {}
  Graph(Graph&&) = default;
  Graph& operator=(Graph&&) = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  /// The same graph with the same value ids; variables share their storage with this one.
  Graph Clone() const;

  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  /// Facts that travel with the model, keys in snake_case: "normalize", "labels", "recipe",
  /// "source".
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  std::map<std::string, std::string>& mutable_metadata() { return metadata_; }

  // Reading.
  const Value& value(ValueId id) const { return *values_[static_cast<size_t>(id)]; }
  Value& value(ValueId id) { return *values_[static_cast<size_t>(id)]; }
  /// Whether `id` is a value of this graph that has not been removed.
  bool Contains(ValueId id) const {
    return id >= 0 && id < num_values() && values_[static_cast<size_t>(id)] != nullptr;
  }
  int num_values() const { return static_cast<int>(values_.size()); }
  const std::vector<ValueId>& inputs() const { return inputs_; }
  const std::vector<ValueId>& outputs() const { return outputs_; }
  /// The name of output `i`; "output_0", "output_1", ... by its place where the value has no name.
  std::string OutputName(int i) const;
  const std::vector<ValueId>& variables() const { return variables_; }  ///< in order of creation
  ValueId FindVariable(std::string_view name) const;                    ///< kNoValue if none
  /// In topological order. The vector changes under rewrites: take a copy to rewrite while walking
  /// (`SnapshotNodes`).
  const std::vector<std::unique_ptr<Node>>& nodes() const { return nodes_; }
  std::vector<Node*> SnapshotNodes() const;
  /// Nodes that read `id`, in order, each once. Linear in the size of the graph.
  std::vector<Node*> UsersOf(ValueId id) const;
  /// Number of reads of `id` by nodes, plus one for each time that it is an output. For all values
  /// at once: UseCounts().
  int UseCount(ValueId id) const;
  std::vector<int> UseCounts() const;
  bool IsOutput(ValueId id) const;
  /// Elements of all variables but i64 ones, which count steps.
  int64_t num_parameters() const;

  // Building. Names are made unique by a suffix (_1, _2, ...) when taken.
  ValueId AddInput(std::string name, TensorType type);
  ValueId AddVariable(std::string name, Tensor data, bool trainable);
  ValueId AddVariable(std::string name, TensorType type, bool trainable);  ///< without data
  ValueId AddVariable(std::string name, EncodedTensor::Ptr data, bool trainable);
  /// Appends a node (before `before` if given). Result types come from the shape-and-type rule
  /// (ir/shape_rules.h); where the operator cannot infer them (an integer result needs its
  /// quantization; see InferTypes), `result_hint` gives dtype and quantization of the first result.
  /// Fails with what is wrong, leaving the graph as it was.
  Result<Node*> AddNode(OpKind op, std::vector<ValueId> operands, Attributes attributes = {},
                        std::optional<TensorType> result_hint = std::nullopt,
                        const Node* before = nullptr);
  /// Appends copies of the nodes and variables of `other` (which stays as it is); the variables
  /// share their storage with those of `other`. An input of `other` becomes the value of this graph
  /// that `bindings` has under the input's name; both have the same type. Variables and named
  /// results get the name that they have in `other` behind `prefix`. Returns the outputs of `other`
  /// by their OutputName(). Fails, leaving the graph as it was, when an input is not bound, a
  /// binding names no input, two types differ, or a variable's new name is taken.
  Result<std::map<std::string, ValueId>> Inline(const Graph& other,
                                                const std::map<std::string, ValueId>& bindings,
                                                std::string_view prefix);
  void SetOutputs(std::vector<ValueId> outputs) { outputs_ = std::move(outputs); }
  void AddOutput(ValueId id) { outputs_.push_back(id); }
  void SetName(ValueId id, std::string name);

  // Rewriting.
  /// Every read of `from` by nodes (except `except`) and outputs becomes one of `to`. `to` takes
  /// over `from`'s name if `from` is a named result.
  void ReplaceUses(ValueId from, ValueId to, const Node* except = nullptr);
  void SetOperand(Node* node, int index, ValueId id);
  /// Removes a node whose results nobody reads.
  void RemoveNode(Node* node);
  /// Removes nodes without effect, then variables that nobody reads (inputs stay). Returns how many
  /// nodes and variables went. Linear in the size of the graph.
  int RemoveDead();
  /// Moves an input or variable out of the graph; nobody may read it.
  void RemoveVariable(ValueId id);

 private:
  Status CheckInline(const Graph& other, const std::map<std::string, ValueId>& bindings,
                     std::string_view prefix) const;
  ValueId NewValue(Value::Kind kind, TensorType type, std::string name);
  std::string UniqueName(std::string name);
  void RemoveValue(ValueId id);

  std::string name_;
  std::map<std::string, std::string> metadata_;
  std::vector<std::unique_ptr<Value>> values_;  // a removed value's place is null
  std::vector<ValueId> inputs_, outputs_, variables_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<std::string, ValueId, std::less<>> names_;
  std::map<std::string, int> last_suffix_;  // of names that were taken
};

/// The dense data of a variable. Errors: kFailedPrecondition where it has none, kResourceExhausted
/// where there is no memory to decode it.
Result<Tensor> DenseData(const Value& variable);

}  // namespace tersor::ir
