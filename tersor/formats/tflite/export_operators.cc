// What each operator of a graph becomes in a file.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "tersor/formats/tflite/exporter.h"

namespace tersor::formats::tflite {

using ir::kNoValue;
using ir::OpKind;
using ir::ValueId;

namespace {

FusedActivation ActivationOf(const ir::Node& node) {
  return ToFused(node.attributes().ActivationOf());
}

// The row of ops.inc for an operator of the graph; where there are several, the first, and the
// operator has a function below.
std::optional<BuiltinOp> RowOf(OpKind kind) {
  constexpr OpKind kOps[] = {
#define TFLITE(name, rule, ir_op, float_version, int8_version) OpKind::k##ir_op,
#include "tersor/formats/tflite/ops.inc"
#undef TFLITE
  };
  const auto* row = std::find(std::begin(kOps), std::end(kOps), kind);
  if (row == std::end(kOps)) return std::nullopt;
  return static_cast<BuiltinOp>(row - std::begin(kOps));
}

bool ReadsAnyType(OpKind kind) {
  return kind == OpKind::kQuantize || kind == OpKind::kDequantize || kind == OpKind::kCast;
}

// The value of every element of a constant, if all stand for zero.
bool IsZero(const Tensor& tensor) {
  const auto* bytes = static_cast<const uint8_t*>(tensor.buffer()->data());
  const auto& quantization = tensor.type().quantization;
  if (quantization) {
    const auto zero = static_cast<uint8_t>(quantization->zero_points[0]);
    return std::all_of(bytes, bytes + tensor.buffer()->size_bytes(),
                       [&](uint8_t byte) { return byte == zero; });
  }
  const auto values = tensor.values<float>();
  return std::all_of(values.begin(), values.end(), [](float value) { return value == 0; });
}

}  // namespace

Status Exporter::Node(const ir::Node& node) {
  const auto& fixed = node.info().fixed_output;
  if (node.results().size() == 1 && fixed && TypeOf(node.result()).quantization) {
    const Quantization& found = *TypeOf(node.result()).quantization;
    if (found != *fixed) {
      return Unsupported("its result has scale ", found.scales[0], " and zero point ",
                         found.zero_points[0], ", the format asks for ", fixed->scales[0], " and ",
                         fixed->zero_points[0]);
    }
  }
  if (node.results().size() == 1 && !ReadsAnyType(node.op()) &&
      TypeOf(node.result()).dtype == DType::kU8 && TypeOf(node.result()).quantization) {
    return Unsupported("arithmetic in u8, only int8 models are written");
  }
  if (!node.results().empty() && !ReadsAnyType(node.op()) && IsFloat(TypeOf(node.result()).dtype) &&
      TypeOf(node.result()).dtype != DType::kF32) {
    return Unsupported("arithmetic in ", DTypeName(TypeOf(node.result()).dtype),
                       ", only f32 and int8 models are written");
  }
  switch (node.op()) {
    case OpKind::kAvgPool2d:
    case OpKind::kMaxPool2d:
      return Pool(node);
    case OpKind::kClamp:
      return Clamp(node);
    case OpKind::kConcat:
      return Concat(node);
    case OpKind::kConv2d:
      return Conv(node);
    case OpKind::kFullyConnected:
      return FullyConnected(node);
    case OpKind::kPad:
      return Pad(node);
    case OpKind::kReduceMax:
    case OpKind::kReduceMean:
    case OpKind::kReduceSum:
      return Reduce(node);
    case OpKind::kReshape:
      return Reshape(node);
    default:
      return Simple(node);
  }
}

Status Exporter::Simple(const ir::Node& node) {
  const auto row = RowOf(node.op());
  if (!row) return Unsupported("the format has no such operator");
  // Made where they are read, with the axes that are wanted there.
  if (IsConstant(node.result())) return OkStatus();
  std::vector<int32_t> inputs;
  for (ValueId id : node.operands()) {
    TERSOR_ASSIGN_OR_RETURN(inputs.emplace_back(), TensorOf(id));
  }
  const bool int8 = TypeOf(node.operand(0)).dtype == DType::kI8;
  if (int8 && InfoOf(*row).int8_version == 0) {
    return Unsupported("the format has ", InfoOf(*row).name, " in float only");
  }
  const auto& quantization = TypeOf(node.result()).quantization;
  if (node.op() == OpKind::kMaximum || node.op() == OpKind::kMinimum) {
    // Integers are compared as they are.
    for (int32_t& input : inputs) {
      TensorType type = model_.tensors[static_cast<size_t>(input)].type();
      if (type.quantization == quantization) continue;
      type.quantization = quantization;
      const int32_t requantized = AddTensor(type, "");
      Emit(BuiltinOp::kQUANTIZE, {input}, requantized);
      input = requantized;
    }
  }
  OperatorOptions options;
  if (node.info().HasAttribute(Attr::activation)) options.activation = ActivationOf(node);
  if (node.op() == OpKind::kTranspose) {
    const auto& permutation = node.attributes().Ints(Attr::permutation);
    inputs.push_back(AddIntegers(permutation, {static_cast<int64_t>(permutation.size())}));
  }
  Emit(*row, std::move(inputs), Result0(node), std::move(options));
  return OkStatus();
}

Result<int32_t> Exporter::Padded(ValueId input, const std::vector<int64_t>& pads, bool lowest) {
  TERSOR_ASSIGN_OR_RETURN(const int32_t source, TensorOf(input));
  TensorType type = TypeOf(input);
  const int rank = type.shape.rank();
  const int32_t cells = AddIntegers(pads, {rank, 2});
  std::vector<int32_t> inputs = {source, cells};
  if (lowest) {
    std::string& bytes = data_.emplace_back();
    const float least = std::numeric_limits<float>::lowest();
    bytes = type.dtype == DType::kF32
                ? std::string(reinterpret_cast<const char*>(&least), sizeof(least))
                : std::string(1, static_cast<char>(-128));
    inputs.push_back(
        AddConstant({type.dtype, {}, type.quantization}, "", std::as_bytes(std::span(bytes))));
  }
  for (int axis = 0; axis < rank; ++axis) {
    const auto at = static_cast<size_t>(2 * axis);
    if (!IsSymbol(type.shape[axis])) type.shape[axis] += pads[at] + pads[at + 1];
  }
  const int32_t result = AddTensor(type, "");
  Emit(lowest ? BuiltinOp::kPADV2 : BuiltinOp::kPAD, std::move(inputs), result);
  return result;
}

Result<int32_t> Exporter::ApplyPadding(const ir::Node& node, int64_t window_h, int64_t window_w,
                                       Cells cells, OperatorOptions& options) {
  const ValueId input = node.operand(0);
  const Shape& shape = TypeOf(input).shape;
  auto resolve = [&](const Padding& padding) {
    return padding.Resolve(shape[1], shape[2], window_h, window_w, options.stride_h,
                           options.stride_w, options.dilation_h, options.dilation_w);
  };
  Padding same;
  same.kind = Padding::Kind::kSame;
  const Padding around = resolve(node.attributes().PaddingOf());
  const bool none = around.top + around.bottom + around.left + around.right == 0;
  options.same_padding = node.attributes().PaddingOf().kind == Padding::Kind::kSame ||
                         (!none && around == resolve(same));
  if (none || (options.same_padding && cells != Cells::kCounted)) return TensorOf(input);
  if (cells == Cells::kUncounted) {
    return Unsupported("a mean that does not count the cells of padding ",
                       FormatAttrValue(Attr::padding, around),
                       ": the format can say that only of the paddings same and valid");
  }
  options.same_padding = false;
  return Padded(input, {0, 0, around.top, around.bottom, around.left, around.right, 0, 0},
                cells == Cells::kLowest);
}

Status Exporter::Pool(const ir::Node& node) {
  const Attributes& attributes = node.attributes();
  OperatorOptions options;
  options.activation = ActivationOf(node);
  options.window_h = static_cast<int>(attributes.Ints(Attr::window)[0]);
  options.window_w = static_cast<int>(attributes.Ints(Attr::window)[1]);
  options.stride_h = static_cast<int>(attributes.Ints(Attr::strides)[0]);
  options.stride_w = static_cast<int>(attributes.Ints(Attr::strides)[1]);
  Cells cells = Cells::kLowest;
  if (node.op() == OpKind::kAvgPool2d) {
    cells = attributes.Bool(Attr::count_padding) ? Cells::kCounted : Cells::kUncounted;
  }
  TERSOR_ASSIGN_OR_RETURN(const int32_t input,
                          ApplyPadding(node, options.window_h, options.window_w, cells, options));
  EmitInScaleOfInput(*RowOf(node.op()), {input}, node, std::move(options));
  return OkStatus();
}

Status Exporter::Conv(const ir::Node& node) {
  const Attributes& attributes = node.attributes();
  const TensorType& input_type = TypeOf(node.operand(0));
  const TensorType& filter_type = TypeOf(node.operand(1));
  const Shape& taps = filter_type.shape;
  if (const ValueId value = node.operand(3); value != kNoValue) {
    const ir::Value& cells = graph_.value(value);
    if (!cells.is_variable() || cells.data().empty() || !IsZero(cells.data())) {
      return Unsupported("padded cells hold padding_value '", cells.name(),
                         "', the format has only zeros there: keep the affine in front of it");
    }
  }
  OperatorOptions options;
  options.activation = ActivationOf(node);
  options.stride_h = static_cast<int>(attributes.Ints(Attr::strides)[0]);
  options.stride_w = static_cast<int>(attributes.Ints(Attr::strides)[1]);
  options.dilation_h = static_cast<int>(attributes.Ints(Attr::dilations)[0]);
  options.dilation_w = static_cast<int>(attributes.Ints(Attr::dilations)[1]);
  TERSOR_ASSIGN_OR_RETURN(const int32_t input,
                          ApplyPadding(node, taps[1], taps[2], Cells::kZero, options));

  const int64_t channels = input_type.shape[3];
  const bool depthwise = channels > 1 && attributes.Int(Attr::groups) == channels;
  if (depthwise && !IsConstant(node.operand(1))) {
    return Unsupported("a depthwise filter that is computed");
  }
  TERSOR_ASSIGN_OR_RETURN(
      const int32_t filter,
      TensorOf(node.operand(1), depthwise ? Permutation{3, 1, 2, 0} : Permutation{}));
  TERSOR_ASSIGN_OR_RETURN(const int32_t bias, Bias(node.operand(2), input_type, filter_type));
  const bool hybrid = input_type.dtype == DType::kF32 && filter_type.dtype == DType::kI8;
  const bool per_channel = filter_type.quantization && filter_type.quantization->per_channel();
  const bool dilated = options.dilation_h > 1 || options.dilation_w > 1;
  std::optional<int> version;
  if (depthwise) {
    options.depth_multiplier = static_cast<int>(taps[0] / channels);
    if (hybrid) version = per_channel ? 6 : 4;
    if (!hybrid && dilated && input_type.dtype == DType::kF32) version = 2;
  } else if (hybrid) {
    version = per_channel ? 5 : 2;
  }
  // The format's convolutions have a bias: a nameless one of zeros stands for none.
  const int32_t offset = bias >= 0 ? bias : ZeroBias(input_type, filter_type);
  std::vector<int32_t> inputs = {input, filter, offset};
  Emit(depthwise ? BuiltinOp::kDEPTHWISE_CONV_2D : BuiltinOp::kCONV_2D, std::move(inputs),
       Result0(node), std::move(options), version);
  return OkStatus();
}

Status Exporter::FullyConnected(const ir::Node& node) {
  const TensorType& input_type = TypeOf(node.operand(0));
  const TensorType& filter_type = TypeOf(node.operand(1));
  TERSOR_ASSIGN_OR_RETURN(const int32_t input, TensorOf(node.operand(0)));
  TERSOR_ASSIGN_OR_RETURN(const int32_t filter, TensorOf(node.operand(1)));
  TERSOR_ASSIGN_OR_RETURN(const int32_t bias, Bias(node.operand(2), input_type, filter_type));
  OperatorOptions options;
  options.activation = ActivationOf(node);
  std::optional<int> version;
  if (input_type.dtype == DType::kF32 && filter_type.dtype == DType::kI8) version = 3;
  std::vector<int32_t> inputs = {input, filter};
  if (bias >= 0) {
    inputs.push_back(bias);
  } else {
    version = 6;
  }
  Emit(BuiltinOp::kFULLY_CONNECTED, std::move(inputs), Result0(node), std::move(options), version);
  return OkStatus();
}

Status Exporter::Clamp(const ir::Node& node) {
  TERSOR_ASSIGN_OR_RETURN(const int32_t input, TensorOf(node.operand(0)));
  const double low = node.attributes().Float(Attr::min);
  const double high = node.attributes().Float(Attr::max);
  if (low == -1 && high == 1) {
    EmitInScaleOfInput(BuiltinOp::kRELU_N1_TO_1, {input}, node);
    return OkStatus();
  }
  if (low == 0 && high == 6) {
    EmitInScaleOfInput(BuiltinOp::kRELU6, {input}, node);
    return OkStatus();
  }
  const TensorType& type = TypeOf(node.operand(0));
  if (type.dtype != DType::kF32) {
    return Unsupported("bounds ", low, " and ", high,
                       " in integers, the format has -1 to 1 and 0 to 6");
  }
  auto scalar = [&](double value) {
    const auto real = static_cast<float>(value);
    std::string& bytes = data_.emplace_back(reinterpret_cast<const char*>(&real), sizeof(real));
    return AddConstant({DType::kF32, {}, std::nullopt}, "", std::as_bytes(std::span(bytes)));
  };
  const int32_t bounded = AddTensor(type, "");
  Emit(BuiltinOp::kMAXIMUM, {input, scalar(low)}, bounded);
  Emit(BuiltinOp::kMINIMUM, {bounded, scalar(high)}, Result0(node));
  return OkStatus();
}

Status Exporter::Concat(const ir::Node& node) {
  std::vector<int32_t> inputs;
  for (ValueId id : node.operands()) {
    TERSOR_ASSIGN_OR_RETURN(inputs.emplace_back(), TensorOf(id));
  }
  OperatorOptions options;
  options.axis = static_cast<int>(node.attributes().Int(Attr::axis));
  Emit(BuiltinOp::kCONCATENATION, std::move(inputs), Result0(node), std::move(options));
  return OkStatus();
}

Status Exporter::Pad(const ir::Node& node) {
  TERSOR_ASSIGN_OR_RETURN(const int32_t input, TensorOf(node.operand(0)));
  const auto& pads = node.attributes().Ints(Attr::pads);
  const TensorType& type = TypeOf(node.operand(0));
  std::vector<int32_t> inputs = {input, AddIntegers(pads, {type.shape.rank(), 2})};
  const double value = node.attributes().Float(Attr::value);
  if (value == 0) {
    Emit(BuiltinOp::kPAD, std::move(inputs), Result0(node));
    return OkStatus();
  }
  std::string& bytes = data_.emplace_back();
  if (type.dtype == DType::kF32) {
    const auto real = static_cast<float>(value);
    bytes.assign(reinterpret_cast<const char*>(&real), sizeof(real));
  } else {
    const double integer =
        std::nearbyint(value / type.quantization->scales[0]) + type.quantization->zero_points[0];
    bytes.assign(1, static_cast<char>(std::clamp(integer, -128.0, 127.0)));
  }
  inputs.push_back(
      AddConstant({type.dtype, {}, type.quantization}, "", std::as_bytes(std::span(bytes))));
  Emit(BuiltinOp::kPADV2, std::move(inputs), Result0(node));
  return OkStatus();
}

Status Exporter::Reduce(const ir::Node& node) {
  TERSOR_ASSIGN_OR_RETURN(const int32_t input, TensorOf(node.operand(0)));
  const auto& axes = node.attributes().Ints(Attr::axes);
  OperatorOptions options;
  options.keep_dims = node.attributes().Bool(Attr::keep_dims);
  std::vector<int32_t> inputs = {input, AddIntegers(axes, {static_cast<int64_t>(axes.size())})};
  if (node.op() == OpKind::kReduceMax) {
    EmitInScaleOfInput(*RowOf(node.op()), std::move(inputs), node, std::move(options));
  } else {
    Emit(*RowOf(node.op()), std::move(inputs), Result0(node), std::move(options));
  }
  return OkStatus();
}

Status Exporter::Reshape(const ir::Node& node) {
  TERSOR_ASSIGN_OR_RETURN(const int32_t input, TensorOf(node.operand(0)));
  std::vector<int64_t> dims = TypeOf(node.result()).shape.dims();
  if (dims.empty()) return Unsupported("a reshape to a scalar");
  if (std::count_if(dims.begin(), dims.end(), IsSymbol) > 1) {
    return Unsupported("a reshape to ", TypeOf(node.result()).shape.ToString(),
                       ", the format leaves one extent open");
  }
  std::replace_if(dims.begin(), dims.end(), IsSymbol, -1);
  Emit(BuiltinOp::kRESHAPE, {input, AddIntegers(dims, {static_cast<int64_t>(dims.size())})},
       Result0(node));
  return OkStatus();
}

}  // namespace tersor::formats::tflite
