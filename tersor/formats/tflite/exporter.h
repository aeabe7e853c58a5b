// The exporter's inside: makes the model of a file from a graph. What an operator becomes stands in
// export_operators.cc.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tersor/formats/tflite/model.h"
#include "tersor/ir/graph.h"

namespace tersor::formats::tflite {

class Exporter {
 public:
  explicit Exporter(const ir::Graph& graph) : graph_(graph) {}

  /// Spans of the model point into the graph and into this object.
  Result<Model> Run();

 private:
  using Permutation = std::vector<int>;  ///< target axis -> source axis; empty: as it is

  // Operators. Each makes the tensor of the node's result.
  Status Node(const ir::Node& node);
  Status Conv(const ir::Node& node);
  Status FullyConnected(const ir::Node& node);
  Status Pool(const ir::Node& node);
  Status Clamp(const ir::Node& node);
  Status Concat(const ir::Node& node);
  Status Pad(const ir::Node& node);
  Status Reduce(const ir::Node& node);
  Status Reshape(const ir::Node& node);
  Status Simple(const ir::Node& node);

  // Tensors.
  const TensorType& TypeOf(ir::ValueId id) const { return graph_.value(id).type(); }
  /// Symbolic extents are written as 1, and as -1 in the signature.
  static Shape FileShape(const Shape& shape);
  int32_t AddTensor(const TensorType& type, std::string name);
  int32_t AddConstant(const TensorType& type, std::string name, std::span<const std::byte> data);
  int32_t AddIntegers(std::span<const int64_t> values, Shape shape);
  /// The tensor of a value; -1 for an absent operand. Constants, and casts and dequantizations of
  /// constants, are made here.
  Result<int32_t> TensorOf(ir::ValueId id, const Permutation& permutation = {});
  Result<int32_t> Constant(ir::ValueId id, const Permutation& permutation);
  /// An i32 bias states its scale, whether the graph does or not.
  Result<int32_t> Bias(ir::ValueId bias, const TensorType& input, const TensorType& filter);
  int32_t ZeroBias(const TensorType& input, const TensorType& filter);
  /// Whether the value is a variable, or a cast from f16 or a dequantize of one.
  bool IsConstant(ir::ValueId id) const;

  /// An operator that makes `result`; the operands are tensors.
  void Emit(BuiltinOp op, std::vector<int32_t> inputs, int32_t result, OperatorOptions options = {},
            std::optional<int> version = std::nullopt);
  /// Emits `op`, whose result in a TFLite file must have the scale of its first operand. If the
  /// result of `node` has another scale, a QUANTIZE is emitted after it.
  void EmitInScaleOfInput(BuiltinOp op, std::vector<int32_t> inputs, const ir::Node& node,
                          OperatorOptions options = {});
  /// The tensor of the node's result, new.
  int32_t Result0(const ir::Node& node);
  /// `input` with constant cells around it: before and after, for each axis in turn. `lowest`: the
  /// least value instead of 0.
  Result<int32_t> Padded(ir::ValueId input, const std::vector<int64_t>& pads, bool lowest);
  /// What padded cells mean to an operator: zero, the least value, zeros that count in a mean, or
  /// nothing at all.
  enum class Cells { kZero, kLowest, kCounted, kUncounted };
  /// Sets the options' padding, or gives `input` a PAD before: the tensor to read.
  Result<int32_t> ApplyPadding(const ir::Node& node, int64_t window_h, int64_t window_w,
                               Cells cells, OperatorOptions& options);

  const ir::Graph& graph_;
  Model model_;
  std::map<std::pair<ir::ValueId, Permutation>, int32_t> tensors_;
  std::deque<std::string> data_;  // constants that are not in the graph as the file has them
};

}  // namespace tersor::formats::tflite
