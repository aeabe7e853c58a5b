// The importer's inside: one object for one attempt to make a graph from a model. The rules of
// ops.inc are its members, in import_*.cc by family.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tersor/formats/tflite/model.h"
#include "tersor/ir/graph.h"

namespace tersor::formats::tflite {

class Importer {
 public:
  /// `any_batch`: an input whose batch is 1 gets a symbolic batch.
  Importer(const Model& model, bool any_batch) : model_(model), any_batch_(any_batch) {}

  Result<ir::Graph> Run();

 private:
  using Rule = Status (Importer::*)(const OperatorInfo&);

  // Rules of ops.inc.
  Status Binary(const OperatorInfo& op);
  Status Cast(const OperatorInfo& op);
  Status Concatenation(const OperatorInfo& op);
  Status Conv(const OperatorInfo& op);
  Status DepthwiseConv(const OperatorInfo& op);
  Status Dequantize(const OperatorInfo& op);
  Status ExpandDims(const OperatorInfo& op);
  Status FullyConnected(const OperatorInfo& op);
  Status Pad(const OperatorInfo& op);
  Status Pool(const OperatorInfo& op);
  Status Quantize(const OperatorInfo& op);
  Status Reduce(const OperatorInfo& op);
  Status ReluN1To1(const OperatorInfo& op);
  Status Reshape(const OperatorInfo& op);
  Status Softmax(const OperatorInfo& op);
  Status Squeeze(const OperatorInfo& op);
  Status Transpose(const OperatorInfo& op);
  Status Unary(const OperatorInfo& op);

  // The graph's ends.
  Status AddInputs();
  Status AddOutputs();
  Status CheckBatchIsFirst() const;

  // Tensors and values. How a tensor of quantized uint8 is wanted: as int8 (arithmetic), or as it
  // is (conversions).
  enum class Uint8 { kAsInt8, kKeep };
  const TensorInfo& tensor(int32_t number) const {
    return model_.tensors[static_cast<size_t>(number)];
  }
  static bool IsQuantizedUint8(const TensorInfo& tensor) {
    return tensor.dtype == DType::kU8 && tensor.quantization.has_value();
  }
  /// The tensor's type with quantized uint8 as int8.
  static TensorType ArithmeticType(const TensorInfo& tensor);
  Status CheckCounts(const OperatorInfo& op, size_t least, size_t most) const;
  Result<ir::ValueId> Operand(const OperatorInfo& op, size_t i, Uint8 uint8 = Uint8::kAsInt8);
  /// kNoValue when it is absent, or a nameless constant of zeros, which stands where the format
  /// asks for a bias.
  Result<ir::ValueId> Bias(const OperatorInfo& op, size_t i);
  Result<ir::ValueId> ValueOf(int32_t number, Uint8 uint8);
  /// A variable with the data of a constant; `permutation` (none: as it is) orders its axes anew.
  Result<ir::ValueId> Variable(int32_t number, const std::vector<int>& permutation, Uint8 uint8);
  /// The constant behind an operand, through a DEQUANTIZE of a constant; -1 if it is not one.
  int32_t ConstantBehind(int32_t number) const;
  /// A filter with its axes ordered anew.
  Result<ir::ValueId> Filter(const OperatorInfo& op, size_t i, const std::vector<int>& permutation);
  /// The integers of operand `i`, which must be a constant of type i32 or i64.
  Result<std::vector<int64_t>> ConstantIntegers(const OperatorInfo& op, size_t i) const;

  const TensorType& TypeOf(ir::ValueId id) const { return graph_.value(id).type(); }
  /// A node that is not yet a tensor of the file; `like` gives an integer result its type.
  Result<ir::ValueId> Add(ir::OpKind kind, std::vector<ir::ValueId> operands, Attributes attributes,
                          const std::optional<TensorType>& hint = std::nullopt);
  /// The node that makes result 0 of `op`.
  Status Finish(const OperatorInfo& op, ir::OpKind kind, std::vector<ir::ValueId> operands,
                Attributes attributes);
  /// The same for an operator with a fused activation that the IR operator has or has not as an
  /// attribute.
  Status FinishActivated(const OperatorInfo& op, ir::OpKind kind, std::vector<ir::ValueId> operands,
                         Attributes attributes);
  /// Names `value` as result 0 of `op`.
  Status Define(const OperatorInfo& op, ir::ValueId value);
  std::optional<TensorType> HintFor(const OperatorInfo& op, Uint8 uint8 = Uint8::kAsInt8) const;
  /// The shape attribute of a reshape of `from` to `dims`, where one extent may be -1.
  Result<std::vector<int64_t>> TargetShape(const tersor::Shape& from,
                                           std::vector<int64_t> dims) const;
  std::string UniqueName(const std::string& name);

  const Model& model_;
  const bool any_batch_;
  ir::Graph graph_;
  std::map<std::pair<int32_t, Uint8>, ir::ValueId> values_;  // by tensor
  std::map<std::pair<int32_t, std::vector<int>>, ir::ValueId> variables_;
  std::map<int32_t, int32_t> dequantized_;  // result of a DEQUANTIZE of a constant -> the constant
  std::set<int32_t> defined_;
  std::set<std::string> names_;
  std::map<std::string, int> suffixes_;
  int64_t checked_scales_ = 0;
};

/// `axis` counted from the front, or what is wrong with it.
Result<int64_t> NormalizeAxis(int64_t axis, int rank);

}  // namespace tersor::formats::tflite
