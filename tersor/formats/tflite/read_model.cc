#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "tersor/formats/tflite/model.h"
#include "tflite_generated.h"

namespace tersor::formats::tflite {
namespace {

constexpr int kMaxRank = 8;
constexpr size_t kMaxNameBytes = 4096;

std::string_view BuiltinName(schema::BuiltinOperator code) {
  const char* name = schema::EnumNameBuiltinOperator(code);
  return name == nullptr ? "" : name;
}

std::optional<BuiltinOp> FindBuiltin(schema::BuiltinOperator code) {
  switch (code) {
#define TFLITE(name, rule, ir_op, float_version, int8_version) \
  case schema::BuiltinOperator::name:                          \
    return BuiltinOp::k##name;
#include "tersor/formats/tflite/ops.inc"
#undef TFLITE
    default:
      return std::nullopt;
  }
}

std::optional<DType> FindDType(schema::TensorType type) {
  switch (type) {
    case schema::TensorType::FLOAT32:
      return DType::kF32;
    case schema::TensorType::FLOAT16:
      return DType::kF16;
    case schema::TensorType::BFLOAT16:
      return DType::kBF16;
    case schema::TensorType::INT8:
      return DType::kI8;
    case schema::TensorType::UINT8:
      return DType::kU8;
    case schema::TensorType::INT16:
      return DType::kI16;
    case schema::TensorType::INT32:
      return DType::kI32;
    case schema::TensorType::INT64:
      return DType::kI64;
    case schema::TensorType::BOOL:
      return DType::kBool;
    default:
      return std::nullopt;
  }
}

std::pair<int64_t, int64_t> IntegerRange(DType dtype) {
  switch (dtype) {
    case DType::kI8:
      return {-128, 127};
    case DType::kU8:
      return {0, 255};
    case DType::kI16:
      return {-32768, 32767};
    default:
      return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
  }
}

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes)
      : bytes_(bytes), budget_(static_cast<int64_t>(bytes.size()) * 8 + (1 << 16)) {}

  Result<Model> Read() {
    const auto* data = reinterpret_cast<const uint8_t*>(bytes_.data());
    if (bytes_.size() < 8 || !schema::ModelBufferHasIdentifier(data)) {
      return DataLoss("not a tflite file: the identifier TFL3 is missing at byte 4");
    }
    if (bytes_.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) {
      return Unsupported("a file of ", bytes_.size(), " bytes, at most 2 GiB can be read");
    }
    flatbuffers::Verifier verifier(data, bytes_.size());
    if (!schema::VerifyModelBuffer(verifier)) {
      return DataLoss("damaged tables: an offset or a length points out of the file of ",
                      bytes_.size(), " bytes");
    }
    const schema::Model& file = *schema::GetModel(data);
    if (file.version() != 3) return Unsupported("file version ", file.version(), ", expected 3");
    const size_t subgraphs = Size(file.subgraphs());
    if (subgraphs != 1) return Unsupported(subgraphs, " subgraphs, expected 1");
    const schema::SubGraph& graph = *file.subgraphs()->Get(0);

    Model model;
    if (graph.name() != nullptr) {
      TERSOR_ASSIGN_OR_RETURN(model.name, Text(*graph.name()));
    }
    if (file.description() != nullptr) {
      TERSOR_ASSIGN_OR_RETURN(model.description, Text(*file.description()));
    }
    TERSOR_RETURN_IF_ERROR(ReadMetadata(file, model));
    for (size_t i = 0; i < Size(graph.tensors()); ++i) {
      auto tensor = ReadTensor(file, *graph.tensors()->Get(Index(i)));
      if (!tensor.ok()) return tensor.status().WithContext(StrCat("tensor ", i));
      model.tensors.push_back(std::move(tensor).value());
    }
    tensors_ = static_cast<int64_t>(model.tensors.size());
    TERSOR_ASSIGN_OR_RETURN(model.inputs, TensorNumbers(graph.inputs(), "input", 0));
    TERSOR_ASSIGN_OR_RETURN(model.outputs, TensorNumbers(graph.outputs(), "output", 0));
    for (size_t i = 0; i < Size(graph.operators()); ++i) {
      TERSOR_RETURN_IF_ERROR(ReadOperator(file, *graph.operators()->Get(Index(i)), i, model));
    }
    return model;
  }

 private:
  static flatbuffers::uoffset_t Index(size_t i) { return static_cast<flatbuffers::uoffset_t>(i); }
  template <typename Vector>
  static size_t Size(const Vector* vector) {
    return vector == nullptr ? 0 : vector->size();
  }

  // A file may point to one vector from many places; what is copied out of it is counted.
  Status Spend(size_t bytes) {
    budget_ -= static_cast<int64_t>(bytes);
    if (budget_ < 0) return DataLoss("tables that repeat each other more often than a model does");
    return OkStatus();
  }

  Result<std::string> Text(const flatbuffers::String& text) {
    const size_t size = std::min<size_t>(text.size(), kMaxNameBytes);
    TERSOR_RETURN_IF_ERROR(Spend(size));
    return std::string(text.data(), size);
  }

  // The entries that are ours; those of others are passed over.
  Status ReadMetadata(const schema::Model& file, Model& model) {
    for (size_t i = 0; i < Size(file.metadata()); ++i) {
      const schema::Metadata& entry = *file.metadata()->Get(Index(i));
      if (entry.name() == nullptr || !entry.name()->string_view().starts_with(kMetadataPrefix)) {
        continue;
      }
      if (entry.buffer() >= Size(file.buffers())) {
        return DataLoss("metadata ", i, " is buffer ", entry.buffer(), ", the file has ",
                        Size(file.buffers()));
      }
      TERSOR_ASSIGN_OR_RETURN(const std::string name, Text(*entry.name()));
      const auto* data = file.buffers()->Get(entry.buffer())->data();
      TERSOR_RETURN_IF_ERROR(Spend(Size(data)));
      std::string& value = model.metadata[name.substr(kMetadataPrefix.size())];
      if (data != nullptr) value.assign(data->begin(), data->end());
    }
    return OkStatus();
  }

  template <typename T>
  Result<std::vector<T>> Copy(const flatbuffers::Vector<T>* vector) {
    TERSOR_RETURN_IF_ERROR(Spend(Size(vector) * sizeof(T)));
    std::vector<T> values(Size(vector));
    for (size_t i = 0; i < values.size(); ++i) values[i] = vector->Get(Index(i));
    return values;
  }

  Result<std::vector<int32_t>> TensorNumbers(const flatbuffers::Vector<int32_t>* vector,
                                             std::string_view what, int64_t lowest) {
    TERSOR_ASSIGN_OR_RETURN(auto numbers, Copy(vector));
    for (size_t i = 0; i < numbers.size(); ++i) {
      if (numbers[i] < lowest || numbers[i] >= tensors_) {
        return DataLoss(what, " ", i, " is tensor ", numbers[i], ", the file has ", tensors_);
      }
    }
    return numbers;
  }

  Result<std::optional<Quantization>> ReadQuantization(
      const schema::QuantizationParameters& parameters, DType dtype, const Shape& shape) {
    const size_t count = Size(parameters.scale());
    if (count == 0 || !IsInteger(dtype)) return std::optional<Quantization>();
    Quantization quantization;
    TERSOR_ASSIGN_OR_RETURN(quantization.scales, Copy(parameters.scale()));
    for (float scale : quantization.scales) {
      if (!std::isfinite(scale) || scale <= 0) {
        return DataLoss("scale ", scale, ", expected a positive number");
      }
    }
    if (count > 1) {
      const int axis = parameters.quantized_dimension();
      if (axis < 0 || axis >= shape.rank()) {
        return DataLoss("quantized along axis ", axis, ", the shape is ", shape.ToString());
      }
      if (shape[axis] != static_cast<int64_t>(count)) {
        return DataLoss(count, " scales along axis ", axis, " of ", shape.ToString());
      }
      quantization.axis = axis;
    }
    const size_t zero_points = Size(parameters.zero_point());
    if (zero_points > 1 && zero_points != count) {
      return DataLoss(zero_points, " zero points for ", count, " scales");
    }
    TERSOR_RETURN_IF_ERROR(Spend(count * sizeof(int32_t)));
    quantization.zero_points.assign(count, 0);
    const auto [low, high] = IntegerRange(dtype);
    for (size_t i = 0; zero_points > 0 && i < count; ++i) {
      // Not by Get: the verifier lets a damaged file's 8-byte elements begin at any 4-byte
      // boundary.
      int64_t zero_point;
      const size_t place = zero_points == 1 ? 0 : i;
      std::memcpy(&zero_point, parameters.zero_point()->Data() + place * sizeof(int64_t),
                  sizeof(int64_t));
      zero_point = flatbuffers::EndianScalar(zero_point);
      if (zero_point < low || zero_point > high) {
        return DataLoss("zero point ", zero_point, " is out of the range of ", DTypeName(dtype));
      }
      quantization.zero_points[i] = static_cast<int32_t>(zero_point);
    }
    return std::optional(std::move(quantization));
  }

  Result<TensorInfo> ReadTensor(const schema::Model& file, const schema::Tensor& table) {
    TensorInfo tensor;
    if (table.name() != nullptr) {
      TERSOR_ASSIGN_OR_RETURN(tensor.name, Text(*table.name()));
    }
    if (Size(table.shape()) > kMaxRank || Size(table.shape_signature()) > kMaxRank) {
      return Unsupported("rank ", std::max(Size(table.shape()), Size(table.shape_signature())),
                         ", at most ", kMaxRank, " is supported");
    }
    TERSOR_ASSIGN_OR_RETURN(auto dims, Copy(table.shape()));
    TERSOR_ASSIGN_OR_RETURN(auto signature, Copy(table.shape_signature()));
    for (int32_t dim : dims) {
      if (dim < 0) return DataLoss("extent ", dim, " in its shape");
    }
    tensor.shape = Shape(std::vector<int64_t>(dims.begin(), dims.end()));
    tensor.signature.assign(signature.begin(), signature.end());
    const auto dtype = FindDType(table.type());
    if (!dtype) {
      const char* name = schema::EnumNameTensorType(table.type());
      tensor.unsupported = StrCat("element type ", static_cast<int>(table.type()), " (",
                                  name == nullptr || *name == '\0' ? "unknown" : name, ")");
      return tensor;
    }
    tensor.dtype = *dtype;
    if (table.sparsity() != nullptr) tensor.unsupported = "sparse storage";
    if (table.is_variable()) tensor.unsupported = "a variable tensor (state between runs)";
    if (table.external_buffer() != 0) tensor.unsupported = "data in another file";
    const schema::QuantizationParameters* quantization = table.quantization();
    if (quantization != nullptr) {
      if (quantization->details_type() != 0)
        tensor.unsupported = "custom or blockwise quantization";
      TERSOR_ASSIGN_OR_RETURN(tensor.quantization,
                              ReadQuantization(*quantization, tensor.dtype, tensor.shape));
    }
    if (!tensor.unsupported.empty()) return tensor;

    const size_t buffers = Size(file.buffers());
    if (table.buffer() >= buffers && !(table.buffer() == 0 && buffers == 0)) {
      return DataLoss("its data is buffer ", table.buffer(), ", the file has ", buffers);
    }
    if (buffers == 0) return tensor;
    const schema::Buffer& buffer = *file.buffers()->Get(table.buffer());
    if (buffer.offset() > 1) tensor.unsupported = "data outside of the tables";
    if (Size(buffer.data()) == 0) return tensor;
    const int64_t expected = DenseSizeBytes(tensor.dtype, tensor.shape);
    if (expected != static_cast<int64_t>(buffer.data()->size())) {
      return DataLoss("buffer ", table.buffer(), " has ", buffer.data()->size(), " bytes, ",
                      tensor.type().ToString(), " takes ", expected);
    }
    tensor.constant = true;
    tensor.data = std::as_bytes(std::span(buffer.data()->data(), buffer.data()->size()));
    return tensor;
  }

  Status ReadOperator(const schema::Model& file, const schema::Operator& table, size_t index,
                      Model& model) {
    const size_t codes = Size(file.operator_codes());
    const std::string where = StrCat("operator ", index);
    if (table.opcode_index() >= codes) {
      return DataLoss(where, ": its code is entry ", table.opcode_index(), " of a table of ",
                      codes);
    }
    const schema::OperatorCode& code = *file.operator_codes()->Get(table.opcode_index());
    // Codes above 127 stand in builtin_code alone; older files have only the deprecated field.
    const auto builtin = std::max(
        code.builtin_code(), static_cast<schema::BuiltinOperator>(code.deprecated_builtin_code()));
    const std::optional<BuiltinOp> op = FindBuiltin(builtin);
    if (!op) {
      std::string name(BuiltinName(builtin));
      if (builtin == schema::BuiltinOperator::CUSTOM && code.custom_code() != nullptr) {
        TERSOR_ASSIGN_OR_RETURN(name, Text(*code.custom_code()));
        name = "custom operator " + name;
      }
      if (name.empty()) name = StrCat("builtin code ", static_cast<int>(builtin));
      return Unsupported(where, ": ", name, " is not supported");
    }
    auto read = [&]() -> Status {
      OperatorInfo info;
      info.op = *op;
      info.version = code.version();
      TERSOR_ASSIGN_OR_RETURN(info.inputs, TensorNumbers(table.inputs(), "operand", -1));
      TERSOR_ASSIGN_OR_RETURN(info.outputs, TensorNumbers(table.outputs(), "result", 0));
      TERSOR_RETURN_IF_ERROR(ReadOptions(table, info.options));
      model.operators.push_back(std::move(info));
      return OkStatus();
    };
    return read().WithContext(StrCat(where, " (", InfoOf(*op).name, ")"));
  }

  static Status ReadActivation(schema::ActivationFunctionType type, OperatorOptions& options) {
    switch (type) {
      case schema::ActivationFunctionType::NONE:
        options.activation = FusedActivation::kNone;
        return OkStatus();
      case schema::ActivationFunctionType::RELU:
        options.activation = FusedActivation::kRelu;
        return OkStatus();
      case schema::ActivationFunctionType::RELU6:
        options.activation = FusedActivation::kRelu6;
        return OkStatus();
      case schema::ActivationFunctionType::RELU_N1_TO_1:
        options.activation = FusedActivation::kReluN1To1;
        return OkStatus();
      default:
        return Unsupported("fused activation ", static_cast<int>(type));
    }
  }

  static Status ReadPadding(schema::Padding padding, OperatorOptions& options) {
    if (padding != schema::Padding::SAME && padding != schema::Padding::VALID) {
      return DataLoss("padding ", static_cast<int>(padding), ", expected 0 (same) or 1 (valid)");
    }
    options.same_padding = padding == schema::Padding::SAME;
    return OkStatus();
  }

  Status ReadOptions(const schema::Operator& table, OperatorOptions& options) {
    if (const auto* conv = table.builtin_options_as_Conv2DOptions()) {
      options.stride_h = conv->stride_h();
      options.stride_w = conv->stride_w();
      options.dilation_h = conv->dilation_h_factor();
      options.dilation_w = conv->dilation_w_factor();
      TERSOR_RETURN_IF_ERROR(ReadPadding(conv->padding(), options));
      return ReadActivation(conv->fused_activation_function(), options);
    }
    if (const auto* depthwise = table.builtin_options_as_DepthwiseConv2DOptions()) {
      options.stride_h = depthwise->stride_h();
      options.stride_w = depthwise->stride_w();
      options.dilation_h = depthwise->dilation_h_factor();
      options.dilation_w = depthwise->dilation_w_factor();
      options.depth_multiplier = depthwise->depth_multiplier();
      TERSOR_RETURN_IF_ERROR(ReadPadding(depthwise->padding(), options));
      return ReadActivation(depthwise->fused_activation_function(), options);
    }
    if (const auto* pool = table.builtin_options_as_Pool2DOptions()) {
      options.stride_h = pool->stride_h();
      options.stride_w = pool->stride_w();
      options.window_h = pool->filter_height();
      options.window_w = pool->filter_width();
      TERSOR_RETURN_IF_ERROR(ReadPadding(pool->padding(), options));
      return ReadActivation(pool->fused_activation_function(), options);
    }
    if (const auto* dense = table.builtin_options_as_FullyConnectedOptions()) {
      if (dense->weights_format() != 0) {
        return Unsupported("weights format ", static_cast<int>(dense->weights_format()));
      }
      options.keep_num_dims = dense->keep_num_dims();
      return ReadActivation(dense->fused_activation_function(), options);
    }
    if (const auto* concatenation = table.builtin_options_as_ConcatenationOptions()) {
      options.axis = concatenation->axis();
      return ReadActivation(concatenation->fused_activation_function(), options);
    }
    if (const auto* add = table.builtin_options_as_AddOptions()) {
      return ReadActivation(add->fused_activation_function(), options);
    }
    if (const auto* multiply = table.builtin_options_as_MulOptions()) {
      return ReadActivation(multiply->fused_activation_function(), options);
    }
    if (const auto* subtract = table.builtin_options_as_SubOptions()) {
      return ReadActivation(subtract->fused_activation_function(), options);
    }
    if (const auto* divide = table.builtin_options_as_DivOptions()) {
      return ReadActivation(divide->fused_activation_function(), options);
    }
    if (const auto* softmax = table.builtin_options_as_SoftmaxOptions()) {
      options.beta = softmax->beta();
    } else if (const auto* reducer = table.builtin_options_as_ReducerOptions()) {
      options.keep_dims = reducer->keep_dims();
    } else if (const auto* reshape = table.builtin_options_as_ReshapeOptions()) {
      TERSOR_ASSIGN_OR_RETURN(options.dims, Copy(reshape->new_shape()));
    } else if (const auto* squeeze = table.builtin_options_as_SqueezeOptions()) {
      TERSOR_ASSIGN_OR_RETURN(options.dims, Copy(squeeze->squeeze_dims()));
    }
    return OkStatus();
  }

  std::span<const std::byte> bytes_;
  int64_t budget_;
  int64_t tensors_ = 0;
};

constexpr BuiltinInfo kBuiltins[] = {
#define TFLITE(name, rule, ir_op, float_version, int8_version) \
  {#name, ir::OpKind::k##ir_op, float_version, int8_version},
#include "tersor/formats/tflite/ops.inc"
#undef TFLITE
};

}  // namespace

Activation ToActivation(FusedActivation activation) {
  switch (activation) {
    case FusedActivation::kRelu:
      return Activation::kRelu;
    case FusedActivation::kRelu6:
      return Activation::kRelu6;
    case FusedActivation::kReluN1To1:
    case FusedActivation::kNone:
      break;
  }
  return Activation::kNone;
}

FusedActivation ToFused(Activation activation) {
  for (FusedActivation fused : {FusedActivation::kRelu, FusedActivation::kRelu6}) {
    if (ToActivation(fused) == activation) return fused;
  }
  return FusedActivation::kNone;
}

const BuiltinInfo& InfoOf(BuiltinOp op) { return kBuiltins[static_cast<size_t>(op)]; }

Result<Model> ReadModel(std::span<const std::byte> bytes) { return Reader(bytes).Read(); }

}  // namespace tersor::formats::tflite
