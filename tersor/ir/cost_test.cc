#include "tersor/ir/cost.h"

#include <gtest/gtest.h>

#include "tersor/ir/builder.h"

namespace tersor::ir {
namespace {

TEST(Cost, AConvolutionAndALayer) {
  GraphBuilder b;
  ValueId x = b.Input("x", {kBatch, 8, 8, 3});
  x = b.Conv2d(x, b.Variable("f", TensorType{DType::kF32, {4, 3, 3, 3}, {}}), kNoValue,
               {.padding = kSamePadding});
  x = b.Flatten(x);
  x = b.FullyConnected(x, b.Variable("w", TensorType{DType::kF32, {10, 256}, {}}));
  auto graph = b.Build({x});
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(MacsOf(*graph, *graph->nodes()[0]), 8 * 8 * 4 * 27);
  EXPECT_EQ(MacsOf(*graph), 8 * 8 * 4 * 27 + 2560);
  EXPECT_EQ(VariableBytes(*graph), 4 * (4 * 27 + 2560));
}

}  // namespace
}  // namespace tersor::ir
