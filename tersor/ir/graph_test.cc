#include "tersor/ir/graph.h"

#include <gtest/gtest.h>

#include "tersor/ir/builder.h"
#include "tersor/ir/text.h"

namespace tersor::ir {
namespace {

Graph MustParse(std::string_view text) {
  auto graph = Parse(text);
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return std::move(graph).value();
}

Node* NodeAt(Graph& graph, size_t i) { return graph.nodes()[i].get(); }

constexpr std::string_view kChain = R"(graph @g(%x: f32[2]) -> (%y: f32[2], %0: f32[2]) {
  %0 = add(%x, @w)
  %1 = relu(%0)
  %y = multiply(%1, %0)
}
variable @w: f32[2] trainable = [1, 2]
)";

TEST(Op, NamesInTextAreInSnakeCase) {
  EXPECT_EQ(InfoOf(OpKind::kMaxPool2dGrad).text_name, "max_pool2d_grad");
  EXPECT_EQ(InfoOf(OpKind::kConv2d).text_name, "conv2d");
  EXPECT_EQ(InfoOf(OpKind::kLogSoftmax).text_name, "log_softmax");
  for (const OpInfo& info : AllOps()) EXPECT_EQ(ParseOpTextName(info.text_name), info.kind);
  EXPECT_EQ(ParseOpTextName("conv3d"), std::nullopt);
}

TEST(Op, ListIsSorted) {
  for (size_t i = 1; i < AllOps().size(); ++i) EXPECT_LT(AllOps()[i - 1].name, AllOps()[i].name);
}

TEST(Op, PrefixesOfOperandsSayWhatTheyAre) {
  const OpInfo& sgd = InfoOf(OpKind::kSgdUpdate);
  EXPECT_TRUE(sgd.mutates());
  EXPECT_TRUE(sgd.operands[0].mutated && !sgd.operands[0].optional);
  EXPECT_TRUE(sgd.operands[2].mutated && sgd.operands[2].optional);
  EXPECT_EQ(sgd.operands[2].name, "velocity");
  EXPECT_TRUE(InfoOf(OpKind::kConcat).operands[0].variadic);
  EXPECT_FALSE(InfoOf(OpKind::kAdd).mutates());
}

TEST(Graph, CountsUses) {
  Graph graph = MustParse(kChain);
  const ValueId sum = NodeAt(graph, 0)->result();
  EXPECT_EQ(graph.UseCount(sum), 3);
  EXPECT_EQ(graph.UseCounts()[static_cast<size_t>(sum)], 3);
  const std::vector<Node*> users = {NodeAt(graph, 1), NodeAt(graph, 2)};
  EXPECT_EQ(graph.UsersOf(sum), users);
  EXPECT_TRUE(graph.IsOutput(sum));
  EXPECT_FALSE(graph.IsOutput(NodeAt(graph, 1)->result()));
}

TEST(Graph, ReplaceUsesReachesNodesAndOutputs) {
  Graph graph = MustParse(kChain);
  graph.ReplaceUses(NodeAt(graph, 0)->result(), graph.inputs()[0]);
  EXPECT_EQ(Print(graph), R"(graph @g(%x: f32[2]) -> (%y: f32[2], %x: f32[2]) {
  %0 = add(%x, @w)
  %1 = relu(%x)
  %y = multiply(%1, %x)
}
variable @w: f32[2] trainable = [1, 2]
)");
}

TEST(Graph, ReplaceUsesSparesOneNodeAndHandsTheNameOn) {
  Graph graph = MustParse(kChain);
  const ValueId product = NodeAt(graph, 2)->result();
  auto relu = graph.AddNode(OpKind::kRelu, {product});
  ASSERT_TRUE(relu.ok());
  graph.ReplaceUses(product, (*relu)->result(), *relu);
  EXPECT_EQ(Print(graph), R"(graph @g(%x: f32[2]) -> (%y: f32[2], %0: f32[2]) {
  %0 = add(%x, @w)
  %1 = relu(%0)
  %2 = multiply(%1, %0)
  %y = relu(%2)
}
variable @w: f32[2] trainable = [1, 2]
)");
}

TEST(Graph, AddNodeInsertsBefore) {
  Graph graph = MustParse(kChain);
  Node* relu = NodeAt(graph, 1);
  auto negate = graph.AddNode(OpKind::kNegate, {NodeAt(graph, 0)->result()}, {}, {}, relu);
  ASSERT_TRUE(negate.ok());
  graph.SetOperand(relu, 0, (*negate)->result());
  EXPECT_EQ(Print(graph), R"(graph @g(%x: f32[2]) -> (%y: f32[2], %0: f32[2]) {
  %0 = add(%x, @w)
  %1 = negate(%0)
  %2 = relu(%1)
  %y = multiply(%2, %0)
}
variable @w: f32[2] trainable = [1, 2]
)");
}

TEST(Graph, AddNodeThatFailsLeavesTheGraphAsItWas) {
  Graph graph = MustParse(kChain);
  const std::string before = Print(graph);
  EXPECT_EQ(graph.AddNode(OpKind::kReshape, {graph.inputs()[0]}).status().message(),
            "reshape: attribute shape is missing");
  EXPECT_EQ(graph.AddNode(OpKind::kRelu, {99}).status().message(),
            "relu: operand 99 is not a value of the graph");
  EXPECT_EQ(Print(graph), before);
}

TEST(Graph, RemoveDeadTakesChainsAndVariables) {
  Graph graph = MustParse(kChain);
  graph.SetOutputs({graph.inputs()[0]});
  EXPECT_EQ(graph.RemoveDead(), 4);
  EXPECT_EQ(Print(graph), "graph @g(%x: f32[2]) -> (%x: f32[2]) {\n}\n");
}

TEST(Graph, RemoveDeadKeepsNodesThatWriteAndWhatTheyRead) {
  const std::string_view text = R"(graph @g(%x: f32[2], %unused: f32[3]) -> () {
  %0 = relu(%x)
  moving_average_update(@average, %0)
}
variable @average: f32[2] = [0, 0]
)";
  Graph graph = MustParse(text);
  EXPECT_EQ(graph.RemoveDead(), 0);
  EXPECT_EQ(Print(graph), text);
}

TEST(Graph, RemoveDeadKeepsANodeOfWhichOneResultIsRead) {
  Graph graph = MustParse(R"(graph @g(%s: f32[3,2]) -> (%variance: f32[2]) {
  %mean, %variance, %count = batch_norm_statistics(%s)
  %0 = exp(%mean)
}
)");
  EXPECT_EQ(graph.RemoveDead(), 1);
  EXPECT_EQ(graph.nodes().size(), 1u);
}

TEST(Graph, CloneSharesStorageAndNothingElse) {
  Graph graph = MustParse(kChain);
  Graph copy = graph.Clone();
  const ValueId w = graph.FindVariable("w");
  EXPECT_EQ(copy.value(w).data().buffer(), graph.value(w).data().buffer());
  for (const auto& node : copy.nodes()) {
    EXPECT_EQ(copy.value(node->result()).producer(), node.get());
  }
  const std::string before = Print(graph);
  copy.SetOutputs({});
  copy.RemoveDead();
  EXPECT_EQ(Print(graph), before);
}

TEST(Graph, NamesThatAreTakenGetASuffix) {
  Graph graph;
  const ValueId first = graph.AddInput("x", {DType::kF32, {2}, {}});
  const ValueId second = graph.AddInput("x", {DType::kF32, {2}, {}});
  const ValueId third = graph.AddVariable("x", TensorType{DType::kF32, {2}, {}}, false);
  EXPECT_EQ(graph.value(first).name(), "x");
  EXPECT_EQ(graph.value(second).name(), "x_1");
  EXPECT_EQ(graph.value(third).name(), "x_2");
  EXPECT_EQ(graph.FindVariable("x_2"), third);
  EXPECT_EQ(graph.FindVariable("x"), kNoValue);  // an input
}

TEST(Graph, RemovedValuesAreNoLongerContained) {
  Graph graph = MustParse(kChain);
  const ValueId w = graph.FindVariable("w");
  graph.SetOutputs({});
  graph.RemoveDead();
  EXPECT_FALSE(graph.Contains(w));
  EXPECT_FALSE(graph.Contains(kNoValue));
  EXPECT_FALSE(graph.Contains(graph.num_values()));
  EXPECT_TRUE(graph.Contains(graph.inputs()[0]));
}

// Quadratic time would take minutes here.
TEST(Graph, LargeGraphsAndManyEqualNamesTakeLinearTime) {
  constexpr int kCount = 30'000;
  Graph graph;
  ValueId last = graph.AddInput("x", {DType::kF32, {2}, {}});
  for (int i = 0; i < kCount; ++i) {
    auto node = graph.AddNode(OpKind::kRelu, {last});
    ASSERT_TRUE(node.ok());
    last = (*node)->result();
    graph.SetName(last, "x");
    graph.AddVariable("x", TensorType{DType::kF32, {2}, {}}, false);
  }
  EXPECT_EQ(graph.value(last).name(), "x_59999");
  EXPECT_EQ(graph.RemoveDead(), 2 * kCount);
}

}  // namespace
}  // namespace tersor::ir
