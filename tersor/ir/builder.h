// GraphBuilder: makes a graph in code, as one would write it down.
//
//   GraphBuilder b("mlp");
//   ValueId x = b.Input("image", {kBatch, 28, 28, 1});
//   x = b.FullyConnected(b.Flatten(x), filter, bias, Activation::kRelu);
//   Result<Graph> graph = b.Build({b.Name(b.Softmax(x), "probabilities")});
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tersor/base/attributes.h"
#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/ir/graph.h"

namespace tersor::ir {

inline constexpr Padding kSamePadding{Padding::Kind::kSame};
inline constexpr Padding kValidPadding{Padding::Kind::kValid};

struct Conv2dOptions {
  std::array<int64_t, 2> strides = {1, 1};    ///< height, width
  std::array<int64_t, 2> dilations = {1, 1};  ///< height, width
  Padding padding = kValidPadding;
  int64_t groups = 1;
  Activation activation = Activation::kNone;
  ValueId padding_value = kNoValue;            ///< [I]; absent: padded cells hold 0
  std::optional<TensorType> result_hint = {};  ///< integers: element type, scale, zero point
};

struct Pool2dOptions {
  std::array<int64_t, 2> window = {2, 2};  ///< height, width
  /// height, width; {0, 0}: as the window
  std::array<int64_t, 2> strides = {0, 0};
  Padding padding = kValidPadding;
  bool count_padding = false;  ///< average only
  Activation activation = Activation::kNone;
  std::optional<TensorType> result_hint = {};  ///< integers, average only
};

/// Every function adds one node (or value) and gives its (first) result. The first failure sticks:
/// later calls do nothing and give kNoValue, and Build returns that failure. Not for several
/// threads.
class GraphBuilder {
 public:
  explicit GraphBuilder(std::string name = "graph") : graph_(std::move(name)) {}

  ValueId Input(std::string name, TensorType type);
  ValueId Input(std::string name, Shape shape);  ///< f32
  /// Takes a tensor, or the failure of making one.
  ValueId Variable(std::string name, Result<Tensor> data, bool trainable = true);
  /// A variable without data.
  ValueId Variable(std::string name, TensorType type, bool trainable = true);
  /// An f32 variable that training leaves alone.
  ValueId Constant(std::string name, Shape shape, std::span<const float> values);
  ValueId Scalar(std::string name, float value);

  /// Any operator. AddNode gives the node, with all its results (null after a failure).
  ValueId Op(OpKind op, std::vector<ValueId> operands, Attributes attributes = {},
             std::optional<TensorType> result_hint = std::nullopt);
  Node* AddNode(OpKind op, std::vector<ValueId> operands, Attributes attributes = {},
                std::optional<TensorType> result_hint = std::nullopt);

  ValueId Add(ValueId lhs, ValueId rhs, Activation activation = Activation::kNone,
              std::optional<TensorType> result_hint = std::nullopt);
  ValueId Subtract(ValueId lhs, ValueId rhs, std::optional<TensorType> result_hint = std::nullopt);
  ValueId Multiply(ValueId lhs, ValueId rhs, Activation activation = Activation::kNone,
                   std::optional<TensorType> result_hint = std::nullopt);
  ValueId AvgPool2d(ValueId input, const Pool2dOptions& options = {});
  ValueId MaxPool2d(ValueId input, const Pool2dOptions& options = {});
  ValueId BatchNorm(ValueId input, ValueId scale, ValueId offset, ValueId mean, ValueId variance,
                    double epsilon = 1e-3);
  ValueId Cast(ValueId input, DType dtype);
  ValueId Clamp(ValueId input, double min, double max);
  ValueId Concat(std::vector<ValueId> inputs, int64_t axis);
  ValueId Conv2d(ValueId input, ValueId filter, ValueId bias = kNoValue,
                 const Conv2dOptions& options = {});
  ValueId CrossEntropy(ValueId logits, ValueId labels, double label_smoothing = 0);
  ValueId Dequantize(ValueId input);
  ValueId Dropout(ValueId input, ValueId counter, double rate, int64_t seed);
  /// [N,...] to [N,C].
  ValueId Flatten(ValueId input);
  ValueId FullyConnected(ValueId input, ValueId filter, ValueId bias = kNoValue,
                         Activation activation = Activation::kNone,
                         std::optional<TensorType> result_hint = std::nullopt);
  ValueId LogSoftmax(ValueId input);
  ValueId MatMul(ValueId lhs, ValueId rhs, bool transpose_lhs = false, bool transpose_rhs = false);
  ValueId Pad(ValueId input, std::vector<int64_t> pads, double value = 0);
  /// `dtype` i8, u8, i16 or i32.
  ValueId Quantize(ValueId input, DType dtype, Quantization quantization);
  ValueId ReduceMean(ValueId input, std::vector<int64_t> axes, bool keep_dims = false);
  ValueId ReduceSum(ValueId input, std::vector<int64_t> axes, bool keep_dims = false);
  ValueId Relu(ValueId input);
  ValueId Relu6(ValueId input);
  ValueId Reshape(ValueId input, std::vector<int64_t> shape);
  ValueId Sigmoid(ValueId input);
  ValueId Softmax(ValueId input);
  ValueId Tanh(ValueId input);
  ValueId Transpose(ValueId input, std::vector<int64_t> permutation);

  /// Names a result and gives it back.
  ValueId Name(ValueId id, std::string name);
  /// Type of a value; after a failure, an f32 scalar.
  const TensorType& type(ValueId id) const;
  const Status& status() const { return status_; }
  /// What has been built so far, for what has no function here.
  Graph& graph() { return graph_; }

  /// The finished graph, verified, or the first failure. The builder is empty afterwards.
  Result<Graph> Build(std::vector<ValueId> outputs);

 private:
  ValueId Binary(OpKind op, ValueId lhs, ValueId rhs, Activation activation,
                 std::optional<TensorType> result_hint);
  ValueId Pool(OpKind op, ValueId input, const Pool2dOptions& options);

  Graph graph_;
  Status status_;
};

/// An i8 or u8 type with one scale, as a hint for an integer result.
TensorType QuantizedHint(DType dtype, float scale, int32_t zero_point);

}  // namespace tersor::ir
