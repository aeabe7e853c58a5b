#include "tersor/formats/tflite/exporter.h"

#include <algorithm>
#include <cstring>

#include "tersor/formats/tflite/permute.h"
#include "tersor/formats/tflite/tflite.h"
#include "tersor/ir/verifier.h"
#include "tersor/transforms/passes.h"

namespace tersor::formats::tflite {

using ir::kNoValue;
using ir::OpKind;
using ir::ValueId;

namespace {

// What an application needs to use a model. (How the model was made stays in .tersor files: a
// .tflite file often goes where each byte counts.)
constexpr std::string_view kCarriedMetadata[] = {"classes", "normalize"};

Quantization BiasQuantization(const TensorType& input, const TensorType& filter) {
  Quantization quantization = *filter.quantization;
  for (float& scale : quantization.scales) scale *= input.quantization->scales[0];
  std::fill(quantization.zero_points.begin(), quantization.zero_points.end(), 0);
  return quantization;
}

}  // namespace

int32_t Exporter::AddTensor(const TensorType& type, std::string name) {
  TensorInfo& tensor = model_.tensors.emplace_back();
  tensor.name = std::move(name);
  tensor.dtype = type.dtype;
  tensor.shape = FileShape(type.shape);
  tensor.quantization = type.quantization;
  return static_cast<int32_t>(model_.tensors.size()) - 1;
}

int32_t Exporter::AddConstant(const TensorType& type, std::string name,
                              std::span<const std::byte> data) {
  const int32_t number = AddTensor(type, std::move(name));
  model_.tensors.back().constant = true;
  model_.tensors.back().data = data;
  return number;
}

int32_t Exporter::AddIntegers(std::span<const int64_t> values, Shape shape) {
  std::string& bytes = data_.emplace_back(values.size() * sizeof(int32_t), '\0');
  for (size_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<int32_t>(values[i]);
    std::memcpy(bytes.data() + i * sizeof(value), &value, sizeof(value));
  }
  return AddConstant({DType::kI32, std::move(shape), std::nullopt}, "",
                     std::as_bytes(std::span(bytes)));
}

bool Exporter::IsConstant(ValueId id) const {
  const ir::Value& value = graph_.value(id);
  if (value.is_variable()) return true;
  const ir::Node* producer = value.producer();
  if (producer == nullptr || !graph_.value(producer->operand(0)).is_variable()) return false;
  return producer->op() == OpKind::kDequantize ||
         (producer->op() == OpKind::kCast && value.type().dtype == DType::kF32 &&
          TypeOf(producer->operand(0)).dtype == DType::kF16);
}

Result<int32_t> Exporter::Constant(ValueId id, const Permutation& permutation) {
  const ir::Value& variable = graph_.value(id);
  // The format knows dense weights alone: what is encoded is written in its dense form.
  TERSOR_ASSIGN_OR_RETURN(const Tensor dense, ir::DenseData(variable));
  TensorType type = variable.type();
  const std::span data(static_cast<const std::byte*>(dense.buffer()->data()),
                       dense.buffer()->size_bytes());
  if (permutation.empty()) return AddConstant(type, variable.name(), data);
  std::string& bytes = data_.emplace_back(data.size(), '\0');
  Permute(data.data(), reinterpret_cast<std::byte*>(bytes.data()), type.shape.dims(), permutation,
          static_cast<size_t>(DTypeBits(type.dtype)) / 8);
  type = PermuteType(type, permutation);
  return AddConstant(type, variable.name(), std::as_bytes(std::span(bytes)));
}

Result<int32_t> Exporter::TensorOf(ValueId id, const Permutation& permutation) {
  if (id == kNoValue) return -1;
  if (auto found = tensors_.find({id, permutation}); found != tensors_.end()) return found->second;
  const ir::Value& value = graph_.value(id);
  TERSOR_CHECK(IsConstant(id));
  const ValueId source = value.is_variable() ? id : value.producer()->operand(0);
  TERSOR_ASSIGN_OR_RETURN(const int32_t constant, Constant(source, permutation));
  int32_t number = constant;
  if (source != id) {
    TensorType type = value.type();
    if (!permutation.empty()) type = PermuteType(type, permutation);
    number = AddTensor(type, value.name());
    const bool per_channel =
        TypeOf(source).quantization && TypeOf(source).quantization->per_channel();
    Emit(BuiltinOp::kDEQUANTIZE, {constant}, number, {},
         per_channel ? std::optional(5) : std::nullopt);
  }
  return tensors_[{id, permutation}] = number;
}

Result<int32_t> Exporter::Bias(ValueId bias, const TensorType& input, const TensorType& filter) {
  if (bias == kNoValue) return -1;
  TERSOR_ASSIGN_OR_RETURN(const int32_t number, TensorOf(bias));
  std::optional<Quantization>& stated = model_.tensors[static_cast<size_t>(number)].quantization;
  if (TypeOf(bias).dtype != DType::kI32 || stated) return number;
  stated = BiasQuantization(input, filter);
  return number;
}

int32_t Exporter::ZeroBias(const TensorType& input, const TensorType& filter) {
  TensorType type{DType::kF32, {filter.shape[0]}, std::nullopt};
  if (input.dtype != DType::kF32) {
    type.dtype = DType::kI32;
    type.quantization = BiasQuantization(input, filter);
  }
  const std::string& zeros = data_.emplace_back(static_cast<size_t>(type.size_bytes()), '\0');
  return AddConstant(type, "", std::as_bytes(std::span(zeros)));
}

void Exporter::Emit(BuiltinOp op, std::vector<int32_t> inputs, int32_t result,
                    OperatorOptions options, std::optional<int> version) {
  OperatorInfo& info = model_.operators.emplace_back();
  const DType dtype = model_.tensors[static_cast<size_t>(inputs[0])].dtype;
  info.op = op;
  info.version =
      version.value_or(dtype == DType::kI8 ? InfoOf(op).int8_version : InfoOf(op).float_version);
  info.inputs = std::move(inputs);
  info.outputs = {result};
  info.options = std::move(options);
}

void Exporter::EmitInScaleOfInput(BuiltinOp op, std::vector<int32_t> inputs, const ir::Node& node,
                                  OperatorOptions options) {
  TensorType type = TypeOf(node.result());
  const auto& given = model_.tensors[static_cast<size_t>(inputs[0])].quantization;
  if (type.quantization == given) {
    Emit(op, std::move(inputs), Result0(node), std::move(options));
    return;
  }
  type.quantization = given;
  const int32_t result = AddTensor(type, "");
  Emit(op, std::move(inputs), result, std::move(options));
  Emit(BuiltinOp::kQUANTIZE, {result}, Result0(node));
}

int32_t Exporter::Result0(const ir::Node& node) {
  const ir::Value& result = graph_.value(node.result());
  const int32_t number = AddTensor(result.type(), result.name());
  tensors_[{result.id(), {}}] = number;
  return number;
}

Shape Exporter::FileShape(const Shape& shape) {
  std::vector<int64_t> dims = shape.dims();
  std::replace_if(dims.begin(), dims.end(), IsSymbol, 1);
  return Shape(std::move(dims));
}

Result<Model> Exporter::Run() {
  TERSOR_RETURN_IF_ERROR(ir::Verify(graph_));
  model_.name = graph_.name();
  if (auto found = graph_.metadata().find("description"); found != graph_.metadata().end()) {
    model_.description = found->second;
  }
  for (std::string_view key : kCarriedMetadata) {
    const auto found = graph_.metadata().find(std::string(key));
    if (found != graph_.metadata().end()) model_.metadata.insert(*found);
  }
  for (ValueId id : graph_.inputs()) {
    const ir::Value& input = graph_.value(id);
    const int32_t number = AddTensor(input.type(), input.name());
    // A batch of 1 without a signature would mean any batch.
    const Shape& shape = input.type().shape;
    if (shape.IsSymbolic() || (shape.rank() > 0 && shape[0] == 1)) {
      std::vector<int64_t>& signature = model_.tensors.back().signature;
      signature = shape.dims();
      std::replace_if(signature.begin(), signature.end(), IsSymbol, -1);
    }
    tensors_[{id, {}}] = number;
    model_.inputs.push_back(number);
  }
  for (size_t i = 0; i < graph_.nodes().size(); ++i) {
    const ir::Node& node = *graph_.nodes()[i];
    const Status status = Node(node);
    if (!status.ok()) {
      return status.WithContext(StrCat("node ", i, " (", node.info().text_name, ")"));
    }
  }
  for (ValueId id : graph_.outputs()) {
    TERSOR_ASSIGN_OR_RETURN(const int32_t number, TensorOf(id));
    model_.outputs.push_back(number);
  }
  for (const TensorInfo& tensor : model_.tensors) {
    if (tensor.dtype == DType::kI4) {
      return Unsupported("'", tensor.name, "' is i4, which is not written");
    }
    if (tensor.quantization && tensor.quantization->per_group()) {
      return Unsupported("'", tensor.name, "' has a scale for each group, which is not written");
    }
  }
  return std::move(model_);
}

Result<std::string> Export(const ir::Graph& graph, const ExportOptions&) {
  // What a trained graph has and the format lacks: dropout is the identity, a batch norm two
  // operators.
  ir::Graph inference = graph.Clone();
  transforms::RewriteReport report;
  TERSOR_RETURN_IF_ERROR(transforms::RemoveDropout(inference, report));
  TERSOR_RETURN_IF_ERROR(transforms::FoldBatchNorms(inference, report));
  TERSOR_RETURN_IF_ERROR(transforms::RemoveDead(inference, report));
  Exporter exporter(inference);
  TERSOR_ASSIGN_OR_RETURN(const Model model, exporter.Run());
  return WriteModel(model);
}

}  // namespace tersor::formats::tflite
