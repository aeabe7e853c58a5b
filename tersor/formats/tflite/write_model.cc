#include <cstring>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "tersor/formats/tflite/model.h"
#include "tflite_generated.h"

namespace tersor::formats::tflite {
namespace {

schema::TensorType TypeCode(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return schema::TensorType::FLOAT32;
    case DType::kF16:
      return schema::TensorType::FLOAT16;
    case DType::kBF16:
      return schema::TensorType::BFLOAT16;
    case DType::kI4:
      return schema::TensorType::INT4;
    case DType::kI8:
      return schema::TensorType::INT8;
    case DType::kU8:
      return schema::TensorType::UINT8;
    case DType::kI16:
      return schema::TensorType::INT16;
    case DType::kI32:
      return schema::TensorType::INT32;
    case DType::kI64:
      return schema::TensorType::INT64;
    case DType::kBool:
      return schema::TensorType::BOOL;
  }
  return schema::TensorType::FLOAT32;
}

schema::ActivationFunctionType ActivationCode(FusedActivation activation) {
  switch (activation) {
    case FusedActivation::kRelu:
      return schema::ActivationFunctionType::RELU;
    case FusedActivation::kRelu6:
      return schema::ActivationFunctionType::RELU6;
    case FusedActivation::kReluN1To1:
      return schema::ActivationFunctionType::RELU_N1_TO_1;
    case FusedActivation::kNone:
      break;
  }
  return schema::ActivationFunctionType::NONE;
}

constexpr schema::BuiltinOperator kCodes[] = {
#define TFLITE(name, rule, ir_op, float_version, int8_version) schema::BuiltinOperator::name,
#include "tersor/formats/tflite/ops.inc"
#undef TFLITE
};

// Every vector and table that says the same as an earlier one is that one: readers follow offsets
// and do not mind.
class Writer {
 public:
  explicit Writer(const Model& model) : model_(model) {}

  Result<std::string> Write() {
    size_t constant_bytes = 0;
    for (const TensorInfo& tensor : model_.tensors) constant_bytes += tensor.data.size() + 64;
    if (constant_bytes > FLATBUFFERS_MAX_BUFFER_SIZE / 2) {
      return Unsupported("constants of ", constant_bytes, " bytes, at most 1 GiB can be written");
    }
    std::vector<flatbuffers::Offset<schema::Buffer>> buffers = {schema::CreateBuffer(builder_)};
    std::map<std::string_view, uint32_t> known_buffers;
    std::vector<uint32_t> buffer_of;
    for (const TensorInfo& tensor : model_.tensors) {
      if (!tensor.constant || tensor.data.empty()) {
        buffer_of.push_back(0);
        continue;
      }
      const std::string_view bytes(reinterpret_cast<const char*>(tensor.data.data()),
                                   tensor.data.size());
      const auto [entry, added] =
          known_buffers.try_emplace(bytes, static_cast<uint32_t>(buffers.size()));
      if (added) {
        builder_.ForceVectorAlignment(bytes.size(), 1, 16);
        const auto data =
            builder_.CreateVector(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
        buffers.push_back(schema::CreateBuffer(builder_, data));
      }
      buffer_of.push_back(entry->second);
    }

    std::vector<flatbuffers::Offset<schema::Metadata>> metadata;
    for (const auto& [key, value] : model_.metadata) {
      const auto data =
          builder_.CreateVector(reinterpret_cast<const uint8_t*>(value.data()), value.size());
      const auto name = Text(StrCat(kMetadataPrefix, key));
      metadata.push_back(
          schema::CreateMetadata(builder_, name, static_cast<uint32_t>(buffers.size())));
      buffers.push_back(schema::CreateBuffer(builder_, data));
    }

    std::vector<flatbuffers::Offset<schema::Tensor>> tensors;
    for (size_t i = 0; i < model_.tensors.size(); ++i) {
      tensors.push_back(WriteTensor(model_.tensors[i], buffer_of[i]));
    }
    std::vector<flatbuffers::Offset<schema::Operator>> operators;
    for (const OperatorInfo& op : model_.operators) operators.push_back(WriteOperator(op));

    const auto tensor_list = builder_.CreateVector(tensors);
    const auto inputs = Numbers(model_.inputs), outputs = Numbers(model_.outputs);
    const auto operator_list = builder_.CreateVector(operators);
    const auto name = Text(model_.name);
    const auto graph =
        schema::CreateSubGraph(builder_, tensor_list, inputs, outputs, operator_list, name);
    const auto graphs = builder_.CreateVector(&graph, 1);
    const auto codes = builder_.CreateVector(codes_);
    const auto description = Text(model_.description);
    const auto buffer_list = builder_.CreateVector(buffers);
    const auto metadata_list = metadata.empty() ? 0 : builder_.CreateVector(metadata);
    builder_.Finish(
        schema::CreateModel(builder_, 3, codes, graphs, description, buffer_list, 0, metadata_list),
        schema::ModelIdentifier());
    return std::string(reinterpret_cast<const char*>(builder_.GetBufferPointer()),
                       builder_.GetSize());
  }

 private:
  template <typename T>
  using Vector = flatbuffers::Offset<flatbuffers::Vector<T>>;

  template <typename T>
  Vector<T> Shared(const std::vector<T>& values, std::map<std::vector<T>, Vector<T>>& known) {
    const auto [entry, added] = known.try_emplace(values);
    if (added) entry->second = builder_.CreateVector(values);
    return entry->second;
  }

  Vector<int32_t> Numbers(const std::vector<int32_t>& values) { return Shared(values, numbers_); }
  Vector<int32_t> Extents(const std::vector<int64_t>& dims) {
    return Numbers(std::vector<int32_t>(dims.begin(), dims.end()));
  }

  flatbuffers::Offset<flatbuffers::String> Text(const std::string& text) {
    return text.empty() ? 0 : builder_.CreateSharedString(text);
  }

  flatbuffers::Offset<schema::QuantizationParameters> WriteQuantization(
      const Quantization& quantization) {
    const std::vector<int64_t> zero_points(quantization.zero_points.begin(),
                                           quantization.zero_points.end());
    const auto [entry, added] =
        quantizations_.try_emplace({quantization.scales, zero_points, quantization.axis});
    if (added) {
      const auto scales = Shared(quantization.scales, scales_);
      const auto zeros = Shared(zero_points, zero_points_);
      schema::QuantizationParametersBuilder table(builder_);
      table.add_scale(scales);
      table.add_zero_point(zeros);
      if (quantization.per_channel()) table.add_quantized_dimension(quantization.axis);
      entry->second = table.Finish();
    }
    return entry->second;
  }

  flatbuffers::Offset<schema::Tensor> WriteTensor(const TensorInfo& tensor, uint32_t buffer) {
    const auto shape = Extents(tensor.shape.dims());
    const auto name = Text(tensor.name);
    flatbuffers::Offset<schema::QuantizationParameters> quantization = 0;
    if (tensor.quantization) quantization = WriteQuantization(*tensor.quantization);
    Vector<int32_t> signature = 0;
    if (!tensor.signature.empty()) signature = Extents(tensor.signature);
    return schema::CreateTensor(builder_, shape, TypeCode(tensor.dtype), buffer, name, quantization,
                                false, 0, signature);
  }

  uint32_t CodeOf(const OperatorInfo& op) {
    const auto [entry, added] =
        code_numbers_.try_emplace({op.op, op.version}, static_cast<uint32_t>(codes_.size()));
    if (added) {
      // All codes here are below 127, where the deprecated field says enough to old and new
      // readers.
      const auto code = static_cast<int8_t>(kCodes[static_cast<size_t>(op.op)]);
      codes_.push_back(schema::CreateOperatorCode(builder_, code, 0, op.version));
    }
    return entry->second;
  }

  std::pair<schema::BuiltinOptions, flatbuffers::Offset<void>> WriteOptions(
      BuiltinOp op, const OperatorOptions& options) {
    const auto activation = ActivationCode(options.activation);
    const auto padding = options.same_padding ? schema::Padding::SAME : schema::Padding::VALID;
    switch (op) {
      case BuiltinOp::kADD:
        return {schema::BuiltinOptions::AddOptions,
                schema::CreateAddOptions(builder_, activation).Union()};
      case BuiltinOp::kSUB:
        return {schema::BuiltinOptions::SubOptions,
                schema::CreateSubOptions(builder_, activation).Union()};
      case BuiltinOp::kMUL:
        return {schema::BuiltinOptions::MulOptions,
                schema::CreateMulOptions(builder_, activation).Union()};
      case BuiltinOp::kDIV:
        return {schema::BuiltinOptions::DivOptions,
                schema::CreateDivOptions(builder_, activation).Union()};
      case BuiltinOp::kCONV_2D:
        return {schema::BuiltinOptions::Conv2DOptions,
                schema::CreateConv2DOptions(builder_, padding, options.stride_w, options.stride_h,
                                            activation, options.dilation_w, options.dilation_h)
                    .Union()};
      case BuiltinOp::kDEPTHWISE_CONV_2D:
        return {schema::BuiltinOptions::DepthwiseConv2DOptions,
                schema::CreateDepthwiseConv2DOptions(
                    builder_, padding, options.stride_w, options.stride_h, options.depth_multiplier,
                    activation, options.dilation_w, options.dilation_h)
                    .Union()};
      case BuiltinOp::kAVERAGE_POOL_2D:
      case BuiltinOp::kMAX_POOL_2D:
        return {schema::BuiltinOptions::Pool2DOptions,
                schema::CreatePool2DOptions(builder_, padding, options.stride_w, options.stride_h,
                                            options.window_w, options.window_h, activation)
                    .Union()};
      case BuiltinOp::kFULLY_CONNECTED:
        return {schema::BuiltinOptions::FullyConnectedOptions,
                schema::CreateFullyConnectedOptions(builder_, activation, 0, options.keep_num_dims)
                    .Union()};
      case BuiltinOp::kSOFTMAX:
        return {schema::BuiltinOptions::SoftmaxOptions,
                schema::CreateSoftmaxOptions(builder_, options.beta).Union()};
      case BuiltinOp::kCONCATENATION:
        return {schema::BuiltinOptions::ConcatenationOptions,
                schema::CreateConcatenationOptions(builder_, options.axis, activation).Union()};
      case BuiltinOp::kMEAN:
      case BuiltinOp::kSUM:
      case BuiltinOp::kREDUCE_MAX:
        return {schema::BuiltinOptions::ReducerOptions,
                schema::CreateReducerOptions(builder_, options.keep_dims).Union()};
      case BuiltinOp::kRESHAPE:
        if (options.dims.empty()) return {schema::BuiltinOptions::NONE, 0};
        return {schema::BuiltinOptions::ReshapeOptions,
                schema::CreateReshapeOptions(builder_, Numbers(options.dims)).Union()};
      case BuiltinOp::kSQUEEZE:
        return {schema::BuiltinOptions::SqueezeOptions,
                schema::CreateSqueezeOptions(builder_, Numbers(options.dims)).Union()};
      default:
        return {schema::BuiltinOptions::NONE, 0};
    }
  }

  flatbuffers::Offset<schema::Operator> WriteOperator(const OperatorInfo& op) {
    const uint32_t code = CodeOf(op);
    std::pair<schema::BuiltinOptions, flatbuffers::Offset<void>>* options = nullptr;
    for (auto& [known, written] : options_[op.op]) {
      if (known == op.options) options = &written;
    }
    if (options == nullptr) {
      options = &options_[op.op].emplace_back(op.options, WriteOptions(op.op, op.options)).second;
    }
    const auto inputs = Numbers(op.inputs), outputs = Numbers(op.outputs);
    return schema::CreateOperator(builder_, code, inputs, outputs, options->first, options->second);
  }

  const Model& model_;
  flatbuffers::FlatBufferBuilder builder_{1 << 16};
  std::map<std::vector<int32_t>, Vector<int32_t>> numbers_;
  std::map<std::vector<float>, Vector<float>> scales_;
  std::map<std::vector<int64_t>, Vector<int64_t>> zero_points_;
  std::map<std::tuple<std::vector<float>, std::vector<int64_t>, int>,
           flatbuffers::Offset<schema::QuantizationParameters>>
      quantizations_;
  std::vector<flatbuffers::Offset<schema::OperatorCode>> codes_;
  std::map<std::pair<BuiltinOp, int>, uint32_t> code_numbers_;
  std::map<BuiltinOp, std::vector<std::pair<OperatorOptions, std::pair<schema::BuiltinOptions,
                                                                       flatbuffers::Offset<void>>>>>
      options_;
};

}  // namespace

Result<std::string> WriteModel(const Model& model) { return Writer(model).Write(); }

}  // namespace tersor::formats::tflite
