#include "tersor/ir/shape_rules.h"

#include <gtest/gtest.h>

#include "tersor/ir/graph.h"

namespace tersor::ir {
namespace {

TensorType F32(Shape shape) { return {DType::kF32, std::move(shape), std::nullopt}; }

TEST(InferTypes, ConvolutionSaysWhatDoesNotFit) {
  const TensorType input = F32({kBatch, 8, 8, 12}), filter = F32({32, 3, 3, 16});
  const TensorType* operands[] = {&input, &filter};
  const auto result = InferTypes(OpKind::kConv2d, operands, {}, std::nullopt);
  EXPECT_EQ(result.status().message(),
            "conv2d: filter has 16 input channels, input has 12 of them in 1 group");
}

TEST(InferTypes, ConvolutionKeepsTheBatch) {
  const TensorType input = F32({kBatch, 8, 8, 12}), filter = F32({32, 3, 3, 12});
  const TensorType* operands[] = {&input, &filter};
  const auto result = InferTypes(OpKind::kConv2d, operands, {}, std::nullopt);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ((*result)[0], F32({kBatch, 6, 6, 32}));
}

}  // namespace
}  // namespace tersor::ir
