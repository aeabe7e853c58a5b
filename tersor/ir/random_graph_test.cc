#include "tersor/ir/random_graph.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tersor/ir/cost.h"
#include "tersor/ir/text.h"

namespace tersor::ir {
namespace {

class RandomGraphs : public testing::TestWithParam<DType> {};

TEST_P(RandomGraphs, AreManyAndSmallAndRoundTrip) {
  std::set<std::string> texts;
  std::set<OpKind> ops;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const RandomGraphOptions options{.dtype = GetParam()};
    const Graph graph = RandomGraph(seed, options);
    const std::string text = Print(graph, {.data = true});
    texts.insert(text.substr(text.find('(')));
    for (const auto& node : graph.nodes()) {
      ops.insert(node->op());
      EXPECT_LE(MacsOf(graph, *node), 600'000) << PrintNode(graph, *node);
    }
    if (seed % 10 != 0) continue;
    EXPECT_EQ(Print(RandomGraph(seed, options), {.data = true}), text);
    const auto parsed = Parse(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status().message();
    EXPECT_EQ(Print(*parsed, {.data = true}), text);
  }
  EXPECT_GT(texts.size(), 290u);
  for (OpKind op : {OpKind::kAdd, OpKind::kAvgPool2d, OpKind::kConcat, OpKind::kConv2d,
                    OpKind::kFullyConnected, OpKind::kMaxPool2d, OpKind::kMultiply, OpKind::kPad,
                    OpKind::kReduceMean, OpKind::kRelu, OpKind::kRelu6, OpKind::kReshape,
                    OpKind::kSigmoid, OpKind::kSoftmax, OpKind::kSubtract, OpKind::kTanh}) {
    EXPECT_TRUE(ops.contains(op)) << OpName(op);
  }
}

INSTANTIATE_TEST_SUITE_P(DTypes, RandomGraphs, testing::Values(DType::kF32, DType::kI8, DType::kU8),
                         [](const auto& info) { return std::string(DTypeName(info.param)); });

TEST(RandomInputs, BindTheBatch) {
  const Graph graph = RandomGraph(1);
  const auto inputs = RandomInputs(graph, 3, 7);
  ASSERT_TRUE(inputs.ok()) << inputs.status().message();
  EXPECT_EQ((*inputs)[0].type().shape[0], 3);
  EXPECT_EQ((*inputs)[0].type().shape.rank(), 4);
}

}  // namespace
}  // namespace tersor::ir
