#include "tersor/formats/tflite/importer.h"

#include <algorithm>
#include <cstring>

#include "tersor/formats/tflite/permute.h"
#include "tersor/formats/tflite/tflite.h"
#include "tersor/ir/verifier.h"

namespace tersor::formats::tflite {
namespace {

using ir::kNoValue;
using ir::OpKind;
using ir::ValueId;

constexpr int64_t kMaxCheckedScales = int64_t{1} << 26;

// What a converter calls a fused tensor is a list of the operators in it, cut by semicolons: the
// first is enough.
std::string CleanName(std::string_view name, std::string_view fallback) {
  name = name.substr(0, name.find(';')).substr(0, 200);
  std::string clean;
  for (char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '.' || c == '/' || c == ':' || c == '-';
    clean += plain ? c : '_';
  }
  return clean.empty() ? std::string(fallback) : clean;
}

// Whether the file leaves the batch of an input open: by its signature, or by an extent of 1.
bool HasFreeBatch(const TensorInfo& input) {
  if (!input.signature.empty()) return input.signature[0] == -1;
  return input.shape.rank() > 1 && input.shape[0] == 1;
}

}  // namespace

Result<int64_t> NormalizeAxis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    return DataLoss("axis ", axis, " of a tensor of rank ", rank);
  }
  return axis < 0 ? axis + rank : axis;
}

std::string Importer::UniqueName(const std::string& name) {
  if (names_.insert(name).second) return name;
  for (int& suffix = suffixes_[name];;) {
    std::string candidate = StrCat(name, '_', ++suffix);
    if (names_.insert(candidate).second) return candidate;
  }
}

TensorType Importer::ArithmeticType(const TensorInfo& tensor) {
  TensorType type = tensor.type();
  if (IsQuantizedUint8(tensor)) {
    type.dtype = DType::kI8;
    for (int32_t& zero_point : type.quantization->zero_points) zero_point -= 128;
  }
  return type;
}

Status Importer::AddInputs() {
  for (size_t i = 0; i < model_.inputs.size(); ++i) {
    const int32_t number = model_.inputs[i];
    const TensorInfo& info = tensor(number);
    auto fail = [&](const auto&... what) {
      return DataLoss("input ", i, " (", info.name, "): ", what...);
    };
    if (!info.unsupported.empty()) return Unsupported("input ", i, ": ", info.unsupported);
    if (info.constant) return fail("it has constant data");
    TensorType type = info.type();
    if (!info.signature.empty() && info.signature.size() != info.shape.dims().size()) {
      return fail("its shape has rank ", info.shape.rank(), ", its signature ",
                  info.signature.size());
    }
    // The format has no names for free extents: those of one axis are taken to be equal.
    for (size_t axis = 1; axis < info.signature.size(); ++axis) {
      if (info.signature[axis] != -1) continue;
      type.shape[static_cast<int>(axis)] = ParseSymbol(StrCat("D", axis)).value();
    }
    if (any_batch_ && HasFreeBatch(info)) type.shape[0] = kBatch;
    for (int64_t dim : type.shape.dims()) {
      if (dim == 0) return fail("an extent of 0 in ", type.shape.ToString());
    }
    if (!defined_.insert(number).second) return fail("it is listed twice");
    const std::string name = UniqueName(CleanName(info.name, StrCat("input_", i)));
    values_[{number, Uint8::kKeep}] = graph_.AddInput(name, std::move(type));
  }
  return OkStatus();
}

Status Importer::AddOutputs() {
  for (size_t i = 0; i < model_.outputs.size(); ++i) {
    auto value = ValueOf(model_.outputs[i], Uint8::kKeep);
    if (!value.ok()) return value.status().WithContext(StrCat("output ", i));
    const ir::Value& output = graph_.value(*value);
    if (output.kind() == ir::Value::Kind::kResult && output.name().empty()) {
      const std::string& name = tensor(model_.outputs[i]).name;
      graph_.SetName(*value, UniqueName(CleanName(name, StrCat("output_", i))));
    }
    graph_.AddOutput(*value);
  }
  return OkStatus();
}

Status Importer::CheckCounts(const OperatorInfo& op, size_t least, size_t most) const {
  if (op.inputs.size() < least || op.inputs.size() > most) {
    return DataLoss(op.inputs.size(), " operands, expected ", least,
                    least == most ? "" : StrCat(" to ", most));
  }
  if (op.outputs.size() != 1) return DataLoss(op.outputs.size(), " results, expected 1");
  return OkStatus();
}

Result<ValueId> Importer::Variable(int32_t number, const std::vector<int>& permutation,
                                   Uint8 uint8) {
  const TensorInfo& info = tensor(number);
  const bool to_int8 = uint8 == Uint8::kAsInt8 && IsQuantizedUint8(info);
  // Two keys for the two forms of one uint8 constant: -1 stands for "as int8".
  std::vector<int> form = permutation;
  if (to_int8) form.push_back(-1);
  auto [slot, added] = variables_.try_emplace({number, std::move(form)}, kNoValue);
  if (!added) return slot->second;

  TensorType type = to_int8 ? ArithmeticType(info) : info.type();
  for (int64_t dim : type.shape.dims()) {
    if (dim == 0) return DataLoss("tensor ", number, ": an extent of 0");
  }
  if (!permutation.empty()) type = PermuteType(type, permutation);
  TERSOR_ASSIGN_OR_RETURN(Tensor data, Tensor::FromBytes(std::move(type), info.data));
  if (!permutation.empty()) {
    Permute(info.data.data(), static_cast<std::byte*>(data.buffer()->data()), info.shape.dims(),
            permutation, static_cast<size_t>(DTypeBits(info.dtype)) / 8);
  }
  if (to_int8) {
    for (int8_t& value : data.mutable_values<int8_t>()) {
      value = static_cast<int8_t>(static_cast<uint8_t>(value) ^ 0x80);
    }
  }
  const bool trainable = IsFloat(info.dtype);
  slot->second = graph_.AddVariable(UniqueName(CleanName(info.name, StrCat("constant_", number))),
                                    std::move(data), trainable);
  return slot->second;
}

Result<ValueId> Importer::ValueOf(int32_t number, Uint8 uint8) {
  const TensorInfo& info = tensor(number);
  if (!info.unsupported.empty()) {
    return Unsupported("tensor ", number, " (", info.name, "): ", info.unsupported);
  }
  if (!IsQuantizedUint8(info)) uint8 = Uint8::kKeep;
  auto found = values_.find({number, uint8});
  if (found != values_.end()) return found->second;
  if (info.constant) {
    TERSOR_ASSIGN_OR_RETURN(const ValueId variable, Variable(number, {}, uint8));
    return values_[{number, uint8}] = variable;
  }
  if (auto source = dequantized_.find(number); source != dequantized_.end()) {
    TERSOR_ASSIGN_OR_RETURN(const ValueId variable, Variable(source->second, {}, Uint8::kAsInt8));
    const bool quantized = TypeOf(variable).quantization.has_value();
    Attributes attributes;
    if (!quantized) attributes.Set(Attr::dtype, DType::kF32);
    TERSOR_ASSIGN_OR_RETURN(
        const ValueId value,
        Add(quantized ? OpKind::kDequantize : OpKind::kCast, {variable}, std::move(attributes)));
    return values_[{number, uint8}] = value;
  }
  // The other form of a quantized uint8 tensor.
  const Uint8 other = uint8 == Uint8::kKeep ? Uint8::kAsInt8 : Uint8::kKeep;
  found = values_.find({number, other});
  if (found == values_.end()) {
    return DataLoss("tensor ", number, " (", info.name, ") is read before an operator makes it");
  }
  TensorType type = uint8 == Uint8::kKeep ? info.type() : ArithmeticType(info);
  TERSOR_ASSIGN_OR_RETURN(const ValueId value,
                          Add(OpKind::kQuantize, {found->second}, {}, std::move(type)));
  return values_[{number, uint8}] = value;
}

Result<ValueId> Importer::Operand(const OperatorInfo& op, size_t i, Uint8 uint8) {
  if (op.inputs[i] < 0) return DataLoss("operand ", i, " is absent");
  auto value = ValueOf(op.inputs[i], uint8);
  if (!value.ok()) return value.status().WithContext(StrCat("operand ", i));
  return value;
}

Result<ValueId> Importer::Bias(const OperatorInfo& op, size_t i) {
  if (i >= op.inputs.size() || op.inputs[i] < 0) return kNoValue;
  const TensorInfo& info = tensor(op.inputs[i]);
  const bool zero = std::all_of(info.data.begin(), info.data.end(),
                                [](std::byte byte) { return byte == std::byte{0}; });
  if (info.constant && info.name.empty() && zero) return kNoValue;
  return Operand(op, i);
}

int32_t Importer::ConstantBehind(int32_t number) const {
  if (number < 0) return -1;
  if (auto source = dequantized_.find(number); source != dequantized_.end()) return source->second;
  return tensor(number).constant ? number : -1;
}

Result<ValueId> Importer::Filter(const OperatorInfo& op, size_t i,
                                 const std::vector<int>& permutation) {
  const int32_t constant = ConstantBehind(op.inputs[i]);
  if (constant < 0 || !tensor(constant).unsupported.empty()) {
    TERSOR_ASSIGN_OR_RETURN(const ValueId value, Operand(op, i));
    if (permutation.empty()) return value;
    if (TypeOf(value).dtype != DType::kF32) {
      return Unsupported("a filter of type ", TypeOf(value).ToString(), " that is not a constant");
    }
    return Add(OpKind::kTranspose, {value},
               Attributes().Set(Attr::permutation,
                                std::vector<int64_t>(permutation.begin(), permutation.end())));
  }
  TERSOR_ASSIGN_OR_RETURN(const ValueId variable, Variable(constant, permutation, Uint8::kAsInt8));
  const DType dtype = TypeOf(variable).dtype;
  if (dtype == DType::kF16) {
    return Add(OpKind::kCast, {variable}, Attributes().Set(Attr::dtype, DType::kF32));
  }
  // A filter that the file dequantizes stays so; one that a float operator reads as int8 too.
  if (constant != op.inputs[i]) return Add(OpKind::kDequantize, {variable}, {});
  return variable;
}

Result<std::vector<int64_t>> Importer::ConstantIntegers(const OperatorInfo& op, size_t i) const {
  if (op.inputs[i] < 0) return DataLoss("operand ", i, " is absent");
  const TensorInfo& info = tensor(op.inputs[i]);
  if (!info.unsupported.empty()) return Unsupported("operand ", i, ": ", info.unsupported);
  if (!info.constant) return Unsupported("operand ", i, " is computed, expected a constant");
  std::vector<int64_t> values;
  auto read = [&]<typename T>(T) {
    values.resize(info.data.size() / sizeof(T));
    for (size_t k = 0; k < values.size(); ++k) {
      T value;
      std::memcpy(&value, info.data.data() + k * sizeof(T), sizeof(T));
      values[k] = value;
    }
  };
  // Longest list that an operator can use: pads of a tensor of rank 8.
  if (info.data.size() > 16 * sizeof(int64_t)) {
    return DataLoss("operand ", i, " has ", info.shape.ToString(),
                    " integers, expected at most 16");
  }
  if (info.dtype == DType::kI32) {
    read(int32_t{});
  } else if (info.dtype == DType::kI64) {
    read(int64_t{});
  } else {
    return Unsupported("operand ", i, " is ", info.type().ToString(), ", expected i32 or i64");
  }
  return values;
}

std::optional<TensorType> Importer::HintFor(const OperatorInfo& op, Uint8 uint8) const {
  const TensorInfo& result = tensor(op.outputs[0]);
  if (result.dtype == DType::kF32) return std::nullopt;
  return uint8 == Uint8::kKeep ? result.type() : ArithmeticType(result);
}

Result<ValueId> Importer::Add(OpKind kind, std::vector<ValueId> operands, Attributes attributes,
                              const std::optional<TensorType>& hint) {
  // Every use of a type checks all its scales: a hostile file would have many of both.
  for (ValueId id : operands) {
    if (id == kNoValue || !TypeOf(id).quantization) continue;
    checked_scales_ += static_cast<int64_t>(TypeOf(id).quantization->scales.size());
    if (checked_scales_ > kMaxCheckedScales) {
      return Unsupported("operators that use more than ", kMaxCheckedScales, " scales in all");
    }
  }
  TERSOR_ASSIGN_OR_RETURN(ir::Node * node,
                          graph_.AddNode(kind, std::move(operands), std::move(attributes), hint));
  return node->result();
}

Status Importer::Define(const OperatorInfo& op, ValueId value) {
  const int32_t number = op.outputs[0];
  const TensorInfo& info = tensor(number);
  if (!info.unsupported.empty()) return Unsupported("result: ", info.unsupported);
  if (info.constant) return DataLoss("its result, tensor ", number, ", is a constant");
  if (!defined_.insert(number).second) {
    return DataLoss("its result, tensor ", number, ", is already made elsewhere");
  }
  if (value == kNoValue) return OkStatus();
  const DType found = TypeOf(value).dtype;
  const bool as_int8 = IsQuantizedUint8(info) && found == DType::kI8;
  if (found != info.dtype && !as_int8) {
    return DataLoss("its result is ", DTypeName(found), ", the file says ", DTypeName(info.dtype));
  }
  values_[{number, as_int8 ? Uint8::kAsInt8 : Uint8::kKeep}] = value;
  return OkStatus();
}

Status Importer::Finish(const OperatorInfo& op, OpKind kind, std::vector<ValueId> operands,
                        Attributes attributes) {
  TERSOR_ASSIGN_OR_RETURN(const ValueId value,
                          Add(kind, std::move(operands), std::move(attributes), HintFor(op)));
  return Define(op, value);
}

Status Importer::FinishActivated(const OperatorInfo& op, OpKind kind, std::vector<ValueId> operands,
                                 Attributes attributes) {
  const Activation activation = ToActivation(op.options.activation);
  const bool fusible = ir::InfoOf(kind).HasAttribute(Attr::activation);
  if (fusible) attributes.Set(Attr::activation, activation);
  TERSOR_ASSIGN_OR_RETURN(ValueId value,
                          Add(kind, std::move(operands), std::move(attributes), HintFor(op)));
  if (op.options.activation == FusedActivation::kReluN1To1) {
    TERSOR_ASSIGN_OR_RETURN(
        value, Add(OpKind::kClamp, {value}, Attributes().Set(Attr::min, -1.0).Set(Attr::max, 1.0),
                   HintFor(op)));
  } else if (!fusible && activation != Activation::kNone) {
    TERSOR_ASSIGN_OR_RETURN(value, Add(ir::OpFor(activation), {value}, {}, HintFor(op)));
  }
  return Define(op, value);
}

// Whoever reads outputs finds the examples along the first axis.
Status Importer::CheckBatchIsFirst() const {
  for (const auto& node : graph_.nodes()) {
    for (ValueId id : node->results()) {
      const std::vector<int64_t>& dims = TypeOf(id).shape.dims();
      if (!dims.empty() && std::find(dims.begin() + 1, dims.end(), kBatch) != dims.end()) {
        return Unsupported("the batch leaves the first place in ", TypeOf(id).ToString());
      }
    }
  }
  return OkStatus();
}

Result<ir::Graph> Importer::Run() {
  if (!model_.name.empty()) graph_.set_name(CleanName(model_.name, ""));
  graph_.mutable_metadata() = model_.metadata;
  if (!model_.description.empty()) {
    graph_.mutable_metadata()["description"] = model_.description;
  }
  TERSOR_RETURN_IF_ERROR(AddInputs());
  static constexpr Rule kRules[] = {
#define TFLITE(name, rule, ir_op, float_version, int8_version) &Importer::rule,
#include "tersor/formats/tflite/ops.inc"
#undef TFLITE
  };
  for (size_t i = 0; i < model_.operators.size(); ++i) {
    const OperatorInfo& op = model_.operators[i];
    const Status status = (this->*kRules[static_cast<size_t>(op.op)])(op);
    if (!status.ok()) {
      return status.WithContext(StrCat("operator ", i, " (", InfoOf(op.op).name, ")"));
    }
  }
  TERSOR_RETURN_IF_ERROR(AddOutputs());
  if (any_batch_) TERSOR_RETURN_IF_ERROR(CheckBatchIsFirst());
  TERSOR_RETURN_IF_ERROR(ir::Verify(graph_));
  return std::move(graph_);
}

bool Recognize(std::span<const std::byte> bytes) {
  return bytes.size() >= 8 && std::memcmp(bytes.data() + 4, "TFL3", 4) == 0;
}

Result<ir::Graph> Import(const std::shared_ptr<Buffer>& file) {
  std::span<const std::byte> bytes(static_cast<const std::byte*>(file->data()), file->size_bytes());
  // The tables are read in place, which asks for their alignment.
  std::shared_ptr<Buffer> aligned;
  if (reinterpret_cast<uintptr_t>(bytes.data()) % 16 != 0) {
    TERSOR_ASSIGN_OR_RETURN(aligned, Buffer::Allocate(bytes.size()));
    std::memcpy(aligned->data(), bytes.data(), bytes.size());
    bytes = {static_cast<const std::byte*>(aligned->data()), bytes.size()};
  }
  TERSOR_ASSIGN_OR_RETURN(const Model model, ReadModel(bytes));
  const bool any_batch = std::any_of(model.inputs.begin(), model.inputs.end(), [&](int32_t number) {
    return HasFreeBatch(model.tensors[static_cast<size_t>(number)]);
  });
  if (any_batch) {
    auto graph = Importer(model, /*any_batch=*/true).Run();
    if (graph.ok()) return graph;
  }
  return Importer(model, /*any_batch=*/false).Run();
}

}  // namespace tersor::formats::tflite
