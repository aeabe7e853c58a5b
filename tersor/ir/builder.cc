#include "tersor/ir/builder.h"

#include <utility>

#include "tersor/ir/shape_rules.h"
#include "tersor/ir/verifier.h"

namespace tersor::ir {
namespace {

std::vector<int64_t> Ints(const std::array<int64_t, 2>& pair) { return {pair[0], pair[1]}; }

Attributes WithActivation(Activation activation) {
  Attributes attributes;
  attributes.Set(Attr::activation, activation);
  return attributes;
}

}  // namespace

ValueId GraphBuilder::Input(std::string name, TensorType type) {
  if (!status_.ok()) return kNoValue;
  return graph_.AddInput(std::move(name), std::move(type));
}

ValueId GraphBuilder::Input(std::string name, Shape shape) {
  return Input(std::move(name), TensorType{DType::kF32, std::move(shape), std::nullopt});
}

ValueId GraphBuilder::Variable(std::string name, Result<Tensor> data, bool trainable) {
  if (!status_.ok()) return kNoValue;
  if (!data.ok()) {
    status_ = data.status().WithContext(StrCat("variable '", name, "'"));
    return kNoValue;
  }
  return graph_.AddVariable(std::move(name), std::move(data).value(), trainable);
}

ValueId GraphBuilder::Variable(std::string name, TensorType type, bool trainable) {
  if (!status_.ok()) return kNoValue;
  return graph_.AddVariable(std::move(name), std::move(type), trainable);
}

ValueId GraphBuilder::Constant(std::string name, Shape shape, std::span<const float> values) {
  return Variable(
      std::move(name),
      Tensor::FromValues(TensorType{DType::kF32, std::move(shape), std::nullopt}, values), false);
}

ValueId GraphBuilder::Scalar(std::string name, float value) {
  return Constant(std::move(name), Shape{}, std::span(&value, 1));
}

Node* GraphBuilder::AddNode(OpKind op, std::vector<ValueId> operands, Attributes attributes,
                            std::optional<TensorType> result_hint) {
  if (!status_.ok()) return nullptr;
  auto node =
      graph_.AddNode(op, std::move(operands), std::move(attributes), std::move(result_hint));
  if (node.ok()) return *node;
  status_ = node.status().WithContext(StrCat("node ", graph_.nodes().size()));
  return nullptr;
}

ValueId GraphBuilder::Op(OpKind op, std::vector<ValueId> operands, Attributes attributes,
                         std::optional<TensorType> result_hint) {
  const Node* node =
      AddNode(op, std::move(operands), std::move(attributes), std::move(result_hint));
  return node == nullptr || node->results().empty() ? kNoValue : node->result();
}

ValueId GraphBuilder::Binary(OpKind op, ValueId lhs, ValueId rhs, Activation activation,
                             std::optional<TensorType> result_hint) {
  return Op(op, {lhs, rhs}, WithActivation(activation), std::move(result_hint));
}

ValueId GraphBuilder::Add(ValueId lhs, ValueId rhs, Activation activation,
                          std::optional<TensorType> result_hint) {
  return Binary(OpKind::kAdd, lhs, rhs, activation, std::move(result_hint));
}

ValueId GraphBuilder::Subtract(ValueId lhs, ValueId rhs, std::optional<TensorType> result_hint) {
  return Op(OpKind::kSubtract, {lhs, rhs}, {}, std::move(result_hint));
}

ValueId GraphBuilder::Multiply(ValueId lhs, ValueId rhs, Activation activation,
                               std::optional<TensorType> result_hint) {
  return Binary(OpKind::kMultiply, lhs, rhs, activation, std::move(result_hint));
}

ValueId GraphBuilder::Pool(OpKind op, ValueId input, const Pool2dOptions& options) {
  Attributes attributes = WithActivation(options.activation);
  const bool as_window = options.strides == std::array<int64_t, 2>{0, 0};
  attributes.Set(Attr::window, Ints(options.window))
      .Set(Attr::strides, Ints(as_window ? options.window : options.strides))
      .Set(Attr::padding, options.padding);
  if (InfoOf(op).HasAttribute(Attr::count_padding)) {
    attributes.Set(Attr::count_padding, options.count_padding);
  }
  return Op(op, {input}, std::move(attributes), options.result_hint);
}

ValueId GraphBuilder::AvgPool2d(ValueId input, const Pool2dOptions& options) {
  return Pool(OpKind::kAvgPool2d, input, options);
}

ValueId GraphBuilder::MaxPool2d(ValueId input, const Pool2dOptions& options) {
  return Pool(OpKind::kMaxPool2d, input, options);
}

ValueId GraphBuilder::BatchNorm(ValueId input, ValueId scale, ValueId offset, ValueId mean,
                                ValueId variance, double epsilon) {
  return Op(OpKind::kBatchNorm, {input, scale, offset, mean, variance},
            Attributes().Set(Attr::epsilon, epsilon));
}

ValueId GraphBuilder::Cast(ValueId input, DType dtype) {
  return Op(OpKind::kCast, {input}, Attributes().Set(Attr::dtype, dtype));
}

ValueId GraphBuilder::Clamp(ValueId input, double min, double max) {
  return Op(OpKind::kClamp, {input}, Attributes().Set(Attr::min, min).Set(Attr::max, max));
}

ValueId GraphBuilder::Concat(std::vector<ValueId> inputs, int64_t axis) {
  return Op(OpKind::kConcat, std::move(inputs), Attributes().Set(Attr::axis, axis));
}

ValueId GraphBuilder::Conv2d(ValueId input, ValueId filter, ValueId bias,
                             const Conv2dOptions& options) {
  Attributes attributes = WithActivation(options.activation);
  attributes.Set(Attr::strides, Ints(options.strides))
      .Set(Attr::dilations, Ints(options.dilations))
      .Set(Attr::padding, options.padding)
      .Set(Attr::groups, options.groups);
  return Op(OpKind::kConv2d, {input, filter, bias, options.padding_value}, std::move(attributes),
            options.result_hint);
}

ValueId GraphBuilder::CrossEntropy(ValueId logits, ValueId labels, double label_smoothing) {
  return Op(OpKind::kCrossEntropy, {logits, labels},
            Attributes().Set(Attr::label_smoothing, label_smoothing));
}

ValueId GraphBuilder::Dequantize(ValueId input) { return Op(OpKind::kDequantize, {input}); }

ValueId GraphBuilder::Dropout(ValueId input, ValueId counter, double rate, int64_t seed) {
  return Op(OpKind::kDropout, {input, counter},
            Attributes().Set(Attr::rate, rate).Set(Attr::seed, seed));
}

ValueId GraphBuilder::Flatten(ValueId input) {
  if (!status_.ok()) return kNoValue;
  const Shape& shape = type(input).shape;
  if (shape.rank() < 1) {
    status_ = InvalidArgument("flatten: input is ", type(input).ToString(), ", expected [N,...]");
    return kNoValue;
  }
  int64_t features = 1;
  for (int axis = 1; axis < shape.rank(); ++axis) {
    if (__builtin_mul_overflow(features, shape[axis], &features)) features = kMaxExtent + 1;
  }
  return Reshape(input, {shape[0], features});
}

ValueId GraphBuilder::FullyConnected(ValueId input, ValueId filter, ValueId bias,
                                     Activation activation, std::optional<TensorType> result_hint) {
  return Op(OpKind::kFullyConnected, {input, filter, bias}, WithActivation(activation),
            std::move(result_hint));
}

ValueId GraphBuilder::LogSoftmax(ValueId input) { return Op(OpKind::kLogSoftmax, {input}); }

ValueId GraphBuilder::MatMul(ValueId lhs, ValueId rhs, bool transpose_lhs, bool transpose_rhs) {
  return Op(
      OpKind::kMatMul, {lhs, rhs},
      Attributes().Set(Attr::transpose_lhs, transpose_lhs).Set(Attr::transpose_rhs, transpose_rhs));
}

ValueId GraphBuilder::Pad(ValueId input, std::vector<int64_t> pads, double value) {
  return Op(OpKind::kPad, {input},
            Attributes().Set(Attr::pads, std::move(pads)).Set(Attr::value, value));
}

ValueId GraphBuilder::Quantize(ValueId input, DType dtype, Quantization quantization) {
  return Op(OpKind::kQuantize, {input}, {}, TensorType{dtype, Shape{}, std::move(quantization)});
}

ValueId GraphBuilder::ReduceMean(ValueId input, std::vector<int64_t> axes, bool keep_dims) {
  return Op(OpKind::kReduceMean, {input},
            Attributes().Set(Attr::axes, std::move(axes)).Set(Attr::keep_dims, keep_dims));
}

ValueId GraphBuilder::ReduceSum(ValueId input, std::vector<int64_t> axes, bool keep_dims) {
  return Op(OpKind::kReduceSum, {input},
            Attributes().Set(Attr::axes, std::move(axes)).Set(Attr::keep_dims, keep_dims));
}

ValueId GraphBuilder::Relu(ValueId input) { return Op(OpKind::kRelu, {input}); }
ValueId GraphBuilder::Relu6(ValueId input) { return Op(OpKind::kRelu6, {input}); }

ValueId GraphBuilder::Reshape(ValueId input, std::vector<int64_t> shape) {
  return Op(OpKind::kReshape, {input}, Attributes().Set(Attr::shape, std::move(shape)));
}

ValueId GraphBuilder::Sigmoid(ValueId input) { return Op(OpKind::kSigmoid, {input}); }
ValueId GraphBuilder::Softmax(ValueId input) { return Op(OpKind::kSoftmax, {input}); }
ValueId GraphBuilder::Tanh(ValueId input) { return Op(OpKind::kTanh, {input}); }

ValueId GraphBuilder::Transpose(ValueId input, std::vector<int64_t> permutation) {
  return Op(OpKind::kTranspose, {input},
            Attributes().Set(Attr::permutation, std::move(permutation)));
}

ValueId GraphBuilder::Name(ValueId id, std::string name) {
  if (status_.ok() && graph_.Contains(id)) graph_.SetName(id, std::move(name));
  return id;
}

const TensorType& GraphBuilder::type(ValueId id) const {
  static const TensorType none;
  return graph_.Contains(id) ? graph_.value(id).type() : none;
}

Result<Graph> GraphBuilder::Build(std::vector<ValueId> outputs) {
  Graph built = std::exchange(graph_, Graph());
  TERSOR_RETURN_IF_ERROR(std::exchange(status_, OkStatus()).WithContext(built.name()));
  built.SetOutputs(std::move(outputs));
  TERSOR_RETURN_IF_ERROR(Verify(built).WithContext(built.name()));
  return built;
}

TensorType QuantizedHint(DType dtype, float scale, int32_t zero_point) {
  return {dtype, Shape{}, Quantization{{scale}, {zero_point}, -1}};
}

}  // namespace tersor::ir
