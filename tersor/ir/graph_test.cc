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

constexpr std::string_view kTeacher =
    R"(graph @t(%image: f32[N,2]) -> (%probabilities: f32[N,2], %image: f32[N,2]) {
  %0 = multiply(%image, @w)
  %probabilities = softmax(%0)
}
variable @w: f32[2] trainable = [3, 4]
)";

TEST(Inline, CopiesNodesAndVariablesBehindAPrefix) {
  Graph graph = MustParse(R"(graph @g(%x: f32[N,2]) -> (%y: f32[N,2]) {
  %y = add(%x, @w)
}
variable @w: f32[2] trainable = [1, 2]
)");
  const Graph teacher = MustParse(kTeacher);
  auto outputs = graph.Inline(teacher, {{"image", graph.inputs()[0]}}, "teacher/");
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  EXPECT_EQ(outputs->size(), 2u);
  EXPECT_EQ(outputs->at("image"), graph.inputs()[0]);
  graph.AddOutput(outputs->at("probabilities"));
  EXPECT_EQ(Print(graph),
            R"(graph @g(%x: f32[N,2]) -> (%y: f32[N,2], %teacher/probabilities: f32[N,2]) {
  %y = add(%x, @w)
  %0 = multiply(%x, @teacher/w)
  %teacher/probabilities = softmax(%0)
}
variable @w: f32[2] trainable = [1, 2]
variable @teacher/w: f32[2] trainable = [3, 4]
)");
  const Value& copy = graph.value(graph.FindVariable("teacher/w"));
  EXPECT_EQ(copy.data().buffer(), teacher.value(teacher.FindVariable("w")).data().buffer());
}

TEST(Inline, OutputsWithoutANameAreCalledByTheirPlace) {
  Graph graph = MustParse(kChain);
  const Graph other = MustParse(R"(graph @o(%x: f32[2]) -> (%0: f32[2], %1: f32[2]) {
  %0 = relu(%x)
  %1 = exp(%x)
}
)");
  auto outputs = graph.Inline(other, {{"x", graph.outputs()[0]}}, "");
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  EXPECT_EQ(graph.value(outputs->at("output_1")).producer()->op(), OpKind::kExp);
}

TEST(Inline, KeepsWhatMarksAVariable) {
  Graph graph = MustParse(kChain), teacher = MustParse(kTeacher);
  const ValueId x = graph.AddInput("images", {DType::kF32, {kBatch, 2}, {}});
  teacher.value(teacher.FindVariable("w")).set_host_written(true);
  teacher.value(teacher.FindVariable("w")).set_trainable(false);
  ASSERT_TRUE(graph.Inline(teacher, {{"image", x}}, "t/").ok());
  EXPECT_TRUE(graph.value(graph.FindVariable("t/w")).host_written());
  EXPECT_FALSE(graph.value(graph.FindVariable("t/w")).trainable());
}

TEST(Inline, RefusesWhatDoesNotFitAndLeavesTheGraphAsItWas) {
  Graph graph = MustParse(kChain);
  const ValueId images = graph.AddInput("images", {DType::kF32, {kBatch, 2}, {}});
  const Graph teacher = MustParse(kTeacher);
  ASSERT_TRUE(graph.Inline(teacher, {{"image", images}}, "t/").ok());
  const std::string before = Print(graph);
  const auto message = [&](const std::map<std::string, ValueId>& bindings, const char* prefix) {
    return graph.Inline(teacher, bindings, prefix).status().message();
  };
  EXPECT_EQ(message({}, "u/"), "input 'image' of graph t is not bound");
  EXPECT_EQ(message({{"w", images}}, "u/"), "graph t has no input 'w'");
  EXPECT_EQ(message({{"image", images}, {"label", images}}, "u/"), "graph t has no input 'label'");
  EXPECT_EQ(message({{"image", graph.inputs()[0]}}, "u/"),
            "input 'image' of graph t is f32[N,2], it is bound to f32[2]");
  EXPECT_EQ(message({{"image", 1000}}, "u/"),
            "input 'image' of graph t is bound to no value of graph g");
  EXPECT_EQ(message({{"image", images}}, "t/"), "the name 't/w' is taken");
  EXPECT_EQ(Print(graph), before);
}

}  // namespace
}  // namespace tersor::ir
