#include "tersor/ir/builder.h"

#include <gtest/gtest.h>

namespace tersor::ir {
namespace {

TensorType F32(Shape shape) { return {DType::kF32, std::move(shape), std::nullopt}; }

TEST(GraphBuilder, BuildsALayer) {
  GraphBuilder b("mlp");
  const ValueId image = b.Input("image", {kBatch, 4, 4, 3});
  const ValueId filter = b.Variable("filter", F32({8, 3, 3, 3}));
  const ValueId pooled = b.MaxPool2d(b.Conv2d(image, filter, kNoValue, {.padding = kSamePadding}));
  const ValueId flat = b.Flatten(pooled);
  EXPECT_EQ(b.type(flat), F32({kBatch, 32}));
  const auto graph = b.Build({b.Name(flat, "features")});
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(graph->nodes().size(), 3u);
  EXPECT_EQ(graph->value(graph->outputs()[0]).name(), "features");
}

TEST(GraphBuilder, KeepsTheFirstFailure) {
  GraphBuilder b("broken");
  const ValueId x = b.Input("x", {kBatch, 4});
  const ValueId wrong = b.Reshape(x, {-1, 5});
  EXPECT_EQ(wrong, kNoValue);
  EXPECT_EQ(b.Relu(b.Softmax(wrong)), kNoValue);
  const auto graph = b.Build({wrong});
  EXPECT_EQ(graph.status().message(), "broken: node 0: reshape: cannot see [N,4] as [N,5]");
}

TEST(GraphBuilder, KeepsTheFailureOfATensor) {
  GraphBuilder b;
  const float values[] = {1, 2};
  b.Constant("scale", Shape{3}, values);
  EXPECT_EQ(b.status().message(), "variable 'scale': tensor f32[3]: needs 12 bytes, found 8");
}

TEST(GraphBuilder, RefusesAnOutputThatIsNoValue) {
  GraphBuilder b("empty");
  EXPECT_EQ(b.Build({7}).status().message(), "empty: output 7 is not a value of the graph");
}

TEST(GraphBuilder, QuantizedResultsTakeAHint) {
  GraphBuilder b;
  const ValueId x = b.Input("x", QuantizedHint(DType::kI8, 0.5f, 3));
  const ValueId sum = b.Add(x, x, Activation::kRelu, QuantizedHint(DType::kI8, 1.0f, -128));
  EXPECT_EQ(b.type(sum), QuantizedHint(DType::kI8, 1.0f, -128));
}

}  // namespace
}  // namespace tersor::ir
