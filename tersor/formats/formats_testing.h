// For tests of formats: graphs that use what a format has to carry, and the comparison of two
// graphs.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tersor/base/encodings_testing.h"
#include "tersor/base/random.h"
#include "tersor/ir/builder.h"
#include "tersor/ir/graph.h"

namespace tersor::formats {

inline std::shared_ptr<Buffer> ToBuffer(std::string bytes) {
  auto owner = std::make_shared<std::string>(std::move(bytes));
  return Buffer::Wrap(owner->data(), owner->size(), owner);
}

/// Data of any type, a function of the seed: small normal floats, small integers.
inline Tensor SampleTensor(TensorType type, uint64_t seed) {
  Random random(seed, /*stream=*/1);
  Tensor tensor = Tensor::Create(std::move(type)).value();
  auto* bytes = static_cast<uint8_t*>(tensor.buffer()->data());
  if (tensor.type().dtype == DType::kF32) {
    for (float& value : tensor.mutable_values<float>()) value = random.NextNormal() * 0.25f;
  } else if (tensor.type().dtype == DType::kI32) {
    for (int32_t& value : tensor.mutable_values<int32_t>()) {
      value = static_cast<int32_t>(random.NextBelow(2000)) - 1000;
    }
  } else if (tensor.type().dtype == DType::kF16) {
    for (uint16_t& value : tensor.mutable_values<uint16_t>()) {
      value = static_cast<uint16_t>(0x2800 + random.NextBelow(0x1000));  // 2^-5 to 0.5
    }
  } else {
    for (size_t i = 0; i < tensor.buffer()->size_bytes(); ++i) {
      bytes[i] = static_cast<uint8_t>(random.NextU32());
    }
  }
  return tensor;
}

/// The same zeros and as many different values, but small finite ones.
inline Tensor Tame(const Tensor& tensor) {
  Tensor tame = tensor.Clone().value();
  for (float& value : tame.mutable_values<float>()) {
    const uint32_t bits = std::bit_cast<uint32_t>(value);
    value = static_cast<float>(bits % 2001) * (bits % 2 == 0 ? 1e-4f : -1e-4f);
  }
  return tame;
}

inline Quantization PerChannel(int64_t channels, int axis, float scale) {
  Quantization quantization;
  for (int64_t i = 0; i < channels; ++i) {
    quantization.scales.push_back(scale * (1 + 0.125f * static_cast<float>(i % 7)));
  }
  quantization.zero_points.assign(static_cast<size_t>(channels), 0);
  quantization.axis = axis;
  return quantization;
}

/// Convolutions (dense, depthwise, strided), an affine, pools, a reshape, two layers, softmax.
inline ir::Graph FloatSample() {
  ir::GraphBuilder b("float_sample");
  auto weight = [&](std::string name, Shape shape) {
    const uint64_t seed = name.size() * 31 + static_cast<uint64_t>(shape.num_elements());
    return b.Variable(std::move(name), SampleTensor({DType::kF32, std::move(shape), {}}, seed));
  };
  ir::ValueId x = b.Input("image", {kBatch, 12, 10, 3});
  const ir::ValueId conv = weight("conv.filter", {8, 3, 3, 3});
  const ir::ValueId conv_bias = weight("conv.bias", {8});
  const ir::ValueId scale = weight("bn.scale", {8});
  const ir::ValueId shift = weight("bn.shift", {8});
  const ir::ValueId depthwise = weight("depthwise.filter", {8, 3, 3, 1});
  const ir::ValueId depthwise_bias = weight("depthwise.bias", {8});
  const ir::ValueId dense = weight("dense.filter", {40, 120});
  const ir::ValueId dense_bias = weight("dense.bias", {40});
  const ir::ValueId classes = weight("classes.filter", {10, 40});
  x = b.Conv2d(x, conv, conv_bias,
               {.strides = {2, 1}, .padding = ir::kSamePadding, .activation = Activation::kRelu});
  x = b.Add(b.Multiply(x, scale), shift);
  x = b.Conv2d(x, depthwise, depthwise_bias,
               {.padding = ir::kSamePadding, .groups = 8, .activation = Activation::kRelu6});
  x = b.MaxPool2d(x, {.window = {2, 2}});
  x = b.AvgPool2d(x, {.window = {3, 3}, .strides = {1, 1}, .padding = ir::kSamePadding});
  x = b.FullyConnected(b.Flatten(x), dense, dense_bias, Activation::kRelu);
  x = b.FullyConnected(x, classes);
  ir::Graph graph = b.Build({b.Name(b.Softmax(x), "probabilities")}).value();
  graph.mutable_metadata()["description"] = "a sample";
  graph.mutable_metadata()["normalize"] = "signed";
  return graph;
}

/// int8 throughout: filters with a scale per channel, i32 biases, an affine, pools, softmax.
inline ir::Graph Int8Sample() {
  ir::GraphBuilder b("int8_sample");
  auto hint = [](float scale, int zero) { return ir::QuantizedHint(DType::kI8, scale, zero); };
  auto filter = [&](std::string name, Shape shape) {
    const auto quantization = PerChannel(shape[0], 0, 0.01f);
    return b.Variable(std::move(name),
                      SampleTensor({DType::kI8, std::move(shape), quantization}, 3));
  };
  auto bias = [&](std::string name, int64_t channels, float input_scale) {
    const auto quantization = PerChannel(channels, 0, 0.01f * input_scale);
    return b.Variable(std::move(name), SampleTensor({DType::kI32, {channels}, quantization}, 4));
  };
  auto constant = [&](std::string name, int64_t channels) {
    TensorType type = hint(0.02f, -5);
    type.shape = {channels};
    return b.Variable(std::move(name), SampleTensor(std::move(type), 5));
  };
  TensorType image = hint(0.0078125f, -1);
  image.shape = {kBatch, 12, 10, 3};
  ir::ValueId x = b.Input("image", image);
  const ir::ValueId conv = filter("conv.filter", {8, 3, 3, 3});
  const ir::ValueId conv_bias = bias("conv.bias", 8, 0.0078125f);
  const ir::ValueId scale = constant("bn.scale", 8);
  const ir::ValueId shift = constant("bn.shift", 8);
  const ir::ValueId depthwise = filter("depthwise.filter", {8, 3, 3, 1});
  const ir::ValueId depthwise_bias = bias("depthwise.bias", 8, 0.05f);
  TensorType dense_type = hint(0.01f, 0);
  dense_type.shape = {10, 48};
  const ir::ValueId dense = b.Variable("dense.filter", SampleTensor(dense_type, 6));
  const TensorType dense_bias_type{DType::kI32, {10}, Quantization{{0.06f * 0.01f}, {0}, -1}};
  const ir::ValueId dense_bias = b.Variable("dense.bias", SampleTensor(dense_bias_type, 7));
  x = b.Conv2d(x, conv, conv_bias,
               {.padding = ir::kSamePadding,
                .activation = Activation::kRelu,
                .result_hint = hint(0.05f, -128)});
  x = b.Multiply(x, scale, Activation::kNone, hint(0.04f, 3));
  x = b.Add(x, shift, Activation::kNone, hint(0.05f, -7));
  x = b.Conv2d(
      x, depthwise, depthwise_bias,
      {.strides = {2, 2}, .padding = ir::kSamePadding, .groups = 8, .result_hint = hint(0.06f, 0)});
  x = b.MaxPool2d(x, {.window = {2, 2}});
  x = b.FullyConnected(b.Flatten(x), dense, dense_bias, Activation::kNone, hint(0.1f, 10));
  x = b.Op(ir::OpKind::kSoftmax, {x}, {}, hint(0.00390625f, -128));
  return b.Build({b.Name(x, "probabilities")}).value();
}

/// Two layers whose filters are encoded, and beside them a variable of each encoding, small ones
/// and ones that are too large for a pool.
inline ir::Graph EncodedSample() {
  ir::GraphBuilder b("encoded_sample");
  const ir::ValueId x = b.Input("x", {kBatch, 64});
  const Tensor wide =
      SparseTensor({DType::kF32, {64, 64}, {}}, 1, 4000, [](int64_t i) { return i % 4 == 1; });
  const Tensor narrow =
      SparseTensor({DType::kF32, {10, 64}, {}}, 2, 16, [](int64_t) { return true; });
  const ir::ValueId first = b.Variable("first.filter", Tame(wide));
  const ir::ValueId second = b.Variable("second.filter", Tame(narrow));
  ir::Graph graph =
      b.Build(
           {b.FullyConnected(b.FullyConnected(x, first, ir::kNoValue, Activation::kRelu), second)})
          .value();
  const auto encode = [&](ir::ValueId id, Encoding encoding, std::vector<int64_t> parameters) {
    graph.value(id).set_encoded(Encode(encoding, graph.value(id).data(), parameters).value());
  };
  encode(first, Encoding::kNM, {1, 4});
  encode(second, Encoding::kPalette, {0, -1, 0});
  for (DType dtype : {DType::kF32, DType::kI4, DType::kI16}) {
    for (const EncodingSample& sample : EncodingSamples(dtype)) {
      graph.AddVariable(StrCat("kept.", EncodingName(sample.encoding)),
                        Encode(sample.encoding, sample.content, sample.parameters).value(), false);
    }
  }
  graph.AddVariable(
      "large.grouped_i4",
      Encode(Encoding::kGroupedI4, GroupedI4Tensor({32, 256}, 32, true, 3), {}).value(), true);
  graph.AddVariable("groups", GroupedI4Tensor({4, 32}, 32, true, 4), false);
  return graph;
}

/// The two are the same but for the numbers of their values.
inline void ExpectSameGraph(const ir::Graph& expected, const ir::Graph& found) {
  EXPECT_EQ(found.name(), expected.name());
  EXPECT_EQ(found.metadata(), expected.metadata());
  std::map<ir::ValueId, ir::ValueId> same = {{ir::kNoValue, ir::kNoValue}};
  auto match = [&](const std::vector<ir::ValueId>& theirs, const std::vector<ir::ValueId>& ours) {
    ASSERT_EQ(ours.size(), theirs.size());
    for (size_t i = 0; i < ours.size(); ++i) {
      const ir::Value& a = expected.value(theirs[i]);
      const ir::Value& b = found.value(ours[i]);
      same[a.id()] = b.id();
      EXPECT_EQ(b.name(), a.name());
      EXPECT_TRUE(b.type() == a.type()) << a.name() << ": " << b.type().ToString();
      EXPECT_EQ(b.trainable(), a.trainable()) << a.name();
      ASSERT_EQ(b.encoded() == nullptr, a.encoded() == nullptr) << a.name();
      if (a.encoded() != nullptr) {
        EXPECT_EQ(b.encoded()->encoding(), a.encoded()->encoding()) << a.name();
        EXPECT_EQ(b.encoded()->parameters(), a.encoded()->parameters()) << a.name();
      }
      ASSERT_EQ(b.data().empty(), a.data().empty()) << a.name();
      if (a.data().empty()) continue;
      ASSERT_EQ(b.data().buffer()->size_bytes(), a.data().buffer()->size_bytes()) << a.name();
      EXPECT_EQ(std::memcmp(a.data().buffer()->data(), b.data().buffer()->data(),
                            a.data().buffer()->size_bytes()),
                0)
          << a.name();
    }
  };
  match(expected.inputs(), found.inputs());
  match(expected.variables(), found.variables());
  ASSERT_EQ(found.nodes().size(), expected.nodes().size());
  auto translate = [&](const std::vector<ir::ValueId>& ids) {
    std::vector<ir::ValueId> ours;
    for (ir::ValueId id : ids) ours.push_back(same.at(id));
    return ours;
  };
  for (size_t i = 0; i < expected.nodes().size(); ++i) {
    const ir::Node& a = *expected.nodes()[i];
    const ir::Node& b = *found.nodes()[i];
    EXPECT_EQ(b.op(), a.op()) << "node " << i;
    EXPECT_TRUE(b.attributes() == a.attributes()) << "node " << i;
    EXPECT_EQ(b.operands(), translate(a.operands())) << "node " << i;
    match(a.results(), b.results());
  }
  EXPECT_EQ(found.outputs(), translate(expected.outputs()));
}

}  // namespace tersor::formats
