// Every pass of passes.inc: a case that changes, and one that must not.
#include "tersor/transforms/passes.h"
#include "tersor/transforms/testing.h"

namespace tersor::transforms {
namespace {

TEST(FoldAffineIntoNext, TheSurveyCnnOrder) {
  EXPECT_REWRITE(FoldAffineIntoNext, R"(
graph @g(%x: f32[N,6,6,3]) -> (%y: f32[N,6,6,5]) {
  %0 = multiply(%x, @a.positive)
  %1 = add(%0, @b)
  %y = conv2d(%1, @f, @bias) {padding=same, activation=relu}
}
variable @a.positive: f32[3]
variable @b: f32[3]
variable @f: f32[5,3,3,3] trainable
variable @bias: f32[5] trainable
)",
                 R"(
graph @g(%x: f32[N,6,6,3]) -> (%y: f32[N,6,6,5]) {
  %y = conv2d(%x, @f, @bias, @f.padding) {padding=same, activation=relu}
}
variable @f: f32[5,3,3,3] trainable
variable @bias: f32[5] trainable
variable @f.padding: f32[3] trainable
)");
}

TEST(FoldAffineIntoNext, NoPaddedCellsNeedNoPaddingValue) {
  EXPECT_REWRITE(FoldAffineIntoNext, R"(
graph @g(%x: f32[N,6,6,3]) -> (%y: f32[N,4,4,5]) {
  %0 = add(@b, %x)
  %y = conv2d(%0, @f)
}
variable @b: f32[3]
variable @f: f32[5,3,3,3]
)",
                 R"(
graph @g(%x: f32[N,6,6,3]) -> (%y: f32[N,4,4,5]) {
  %y = conv2d(%x, @f, @f.bias)
}
variable @f: f32[5,3,3,3]
variable @f.bias: f32[5] trainable
)");
}

TEST(FoldAffineIntoNext, LeavesASecondUserAlone) {
  EXPECT_UNCHANGED(FoldAffineIntoNext, R"(
graph @g(%x: f32[N,4,4,3]) -> (%y: f32[N,4,4,3]) {
  %0 = multiply(%x, @a)
  %1 = conv2d(%0, @f) {padding=same}
  %y = add(%0, %1)
}
variable @a: f32[3]
variable @f: f32[3,3,3,3]
)");
}

TEST(FoldAffineIntoNext, LeavesGroupsAlone) {
  EXPECT_UNCHANGED(FoldAffineIntoNext, R"(
graph @g(%x: f32[N,4,4,4]) -> (%y: f32[N,4,4,4]) {
  %0 = multiply(%x, @a)
  %y = conv2d(%0, @f) {padding=same, groups=4}
}
variable @a: f32[4]
variable @f: f32[4,3,3,1]
)");
}

TEST(FoldAffineIntoPrevious, TakesTheActivationToo) {
  EXPECT_REWRITE(FoldAffineIntoPrevious, R"(
graph @g(%x: f32[N,4]) -> (%y: f32[N,3]) {
  %0 = fully_connected(%x, @f, @bias)
  %1 = multiply(%0, @a)
  %y = add(%1, @b) {activation=relu}
}
variable @f: f32[3,4]
variable @bias: f32[3]
variable @a: f32[3]
variable @b: f32[3]
)",
                 R"(
graph @g(%x: f32[N,4]) -> (%y: f32[N,3]) {
  %y = fully_connected(%x, @f, @bias) {activation=relu}
}
variable @f: f32[3,4]
variable @bias: f32[3]
)");
}

TEST(FoldAffineIntoPrevious, LeavesALayerWithActivationAlone) {
  EXPECT_UNCHANGED(FoldAffineIntoPrevious, R"(
graph @g(%x: f32[N,4]) -> (%y: f32[N,3]) {
  %0 = fully_connected(%x, @f, @bias) {activation=relu}
  %y = multiply(%0, @a)
}
variable @f: f32[3,4]
variable @bias: f32[3]
variable @a: f32[3]
)");
}

TEST(SinkAffine, BehindAPoolAndAFlatten) {
  EXPECT_REWRITE(SinkAffine, R"(
graph @g(%x: f32[N,4,4,3]) -> (%y: f32[N,12]) {
  %0 = multiply(%x, @a.positive)
  %1 = add(%0, @b)
  %2 = max_pool2d(%1) {window=[2,2], strides=[2,2]}
  %y = reshape(%2) {shape=[-1,12]}
}
variable @a.positive: f32[3]
variable @b: f32[3]
)",
                 R"(
graph @g(%x: f32[N,4,4,3]) -> (%y: f32[N,12]) {
  %0 = max_pool2d(%x) {window=[2,2], strides=[2,2]}
  %1 = reshape(%0) {shape=[-1,12]}
  %2 = multiply(%1, @a.positive)
  %y = add(%2, @b)
}
variable @b: f32[12]
variable @a.positive: f32[12]
)");
}

TEST(SinkAffine, ANegativeFactorStaysBeforeThePool) {
  EXPECT_UNCHANGED(SinkAffine, R"(
graph @g(%x: f32[N,4,4,3]) -> (%y: f32[N,2,2,3]) {
  %0 = multiply(%x, @a)
  %y = max_pool2d(%0) {window=[2,2], strides=[2,2]}
}
variable @a: f32[3] = [1, -1, 1]
)");
}

TEST(FoldBatchNorms, BecomesMultiplyAndAdd) {
  EXPECT_REWRITE(FoldBatchNorms, R"(
graph @g(%x: f32[N,4,4,3]) -> (%y: f32[N,4,4,3]) {
  %y = batch_norm(%x, @s, @o, @m, @v.positive)
}
variable @s: f32[3]
variable @o: f32[3]
variable @m: f32[3]
variable @v.positive: f32[3]
)",
                 R"(
graph @g(%x: f32[N,4,4,3]) -> (%y: f32[N,4,4,3]) {
  %0 = multiply(%x, @s.factor)
  %y = add(%0, @s.shift)
}
variable @s.factor: f32[3]
variable @s.shift: f32[3]
)");
}

TEST(FoldBatchNorms, LeavesStatisticsThatAreNoConstantsAlone) {
  EXPECT_UNCHANGED(FoldBatchNorms, R"(
graph @g(%x: f32[N,3], %m: f32[3]) -> (%y: f32[N,3]) {
  %y = batch_norm(%x, @s, @s, %m, @s)
}
variable @s: f32[3]
)");
}

TEST(FoldConstants, WorksOutWhatIsKnown) {
  EXPECT_REWRITE(FoldConstants, R"(
graph @g(%x: f32[N,3]) -> (%y: f32[N,3]) {
  %0 = multiply(@a, @b)
  %y = add(%x, %0)
}
variable @a: f32[3]
variable @b: f32[3]
)",
                 R"(
graph @g(%x: f32[N,3]) -> (%y: f32[N,3]) {
  %y = add(%x, @a.folded)
}
variable @a.folded: f32[3]
)");
}

TEST(FoldConstants, LeavesAnUpdatedVariableAlone) {
  EXPECT_UNCHANGED(FoldConstants, R"(
graph @g(%g: f32[3], %rate: f32[]) -> (%y: f32[3]) {
  %y = multiply(@a, @b)
  sgd_update(@a, %g, _, %rate)
}
variable @a: f32[3]
variable @b: f32[3]
)");
}

TEST(FuseActivations, IntoTheLayerBefore) {
  EXPECT_REWRITE(FuseActivations, R"(
graph @g(%x: f32[N,4]) -> (%y: f32[N,3]) {
  %0 = fully_connected(%x, @f)
  %y = relu(%0)
}
variable @f: f32[3,4]
)",
                 R"(
graph @g(%x: f32[N,4]) -> (%y: f32[N,3]) {
  %y = fully_connected(%x, @f) {activation=relu}
}
variable @f: f32[3,4]
)");
}

TEST(FuseActivations, LeavesASecondUserAlone) {
  EXPECT_UNCHANGED(FuseActivations, R"(
graph @g(%x: f32[N,4]) -> (%y: f32[N,4], %0: f32[N,4]) {
  %0 = fully_connected(%x, @f)
  %y = relu(%0)
}
variable @f: f32[4,4]
)");
}

TEST(Simplify, WhatDoesNothingGoes) {
  EXPECT_REWRITE(Simplify, R"(
graph @g(%x: f32[N,2,2,3]) -> (%y: f32[N,3]) {
  %0 = multiply(%x, @one)
  %1 = add(%0, @zero)
  %2 = reshape(%1) {shape=[-1,12]}
  %3 = reshape(%2) {shape=[-1,4,3]}
  %4 = relu(%3)
  %5 = relu(%4)
  %y = reduce_mean(%5) {axes=[1]}
}
variable @one: f32[3] = [1, 1, 1]
variable @zero: f32[1] = [0]
)",
                 R"(
graph @g(%x: f32[N,2,2,3]) -> (%y: f32[N,3]) {
  %0 = reshape(%x) {shape=[-1,4,3]}
  %1 = relu(%0)
  %y = reduce_mean(%1) {axes=[1]}
}
)");
}

TEST(Simplify, LeavesAnAddThatBroadcastsAlone) {
  EXPECT_UNCHANGED(Simplify, R"(
graph @g(%x: f32[N,1]) -> (%y: f32[N,3]) {
  %y = add(%x, @zero)
}
variable @zero: f32[3] = [0, 0, 0]
)");
}

TEST(Simplify, LeavesANarrowerActivationAlone) {
  EXPECT_UNCHANGED(Simplify, R"(
graph @g(%x: f32[N,4]) -> (%y: f32[N,4]) {
  %0 = relu(%x)
  %y = relu6(%0)
}
)");
}

TEST(RemoveDropout, IsTheIdentityAtInference) {
  auto graph = ir::Parse(R"(
graph @g(%x: f32[N,4], %step: i64[]) -> (%y: f32[N,4]) {
  %0 = dropout(%x, %step) {rate=0.5}
  %y = relu(%0)
}
)");
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  RewriteReport report;
  ASSERT_TRUE(RemoveDropout(*graph, report).ok());
  EXPECT_EQ(graph->nodes().size(), 1u);
}

TEST(RemoveDead, WhatNoOutputNeedsGoes) {
  EXPECT_REWRITE(RemoveDead, R"(
graph @g(%x: f32[N,4]) -> (%y: f32[N,4]) {
  %0 = add(%x, @b)
  %y = relu(%x)
}
variable @b: f32[4]
)",
                 R"(
graph @g(%x: f32[N,4]) -> (%y: f32[N,4]) {
  %y = relu(%x)
}
)");
}

// Before it there is no kernel to compare with: the text is all.
TEST(Lower, NarrowWeightsAreWidened) {
  auto graph = ir::Parse(R"(
graph @g(%x: f32[N,4]) -> (%y: f32[N,3]) {
  %y = fully_connected(%x, @f)
}
variable @f: i8[3,4] q([0.5, 0.25, 1], [0, 0, 0], axis=0)
)");
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  RewriteReport report;
  ASSERT_TRUE(Lower(*graph, report).ok());
  EXPECT_EQ(ir::Print(*graph), R"(graph @g(%x: f32[N,4]) -> (%y: f32[N,3]) {
  %0 = dequantize(@f)
  %y = fully_connected(%x, %0)
}
variable @f: i8[3,4] q([0.5, 0.25, 1], [0, 0, 0], axis=0)
)");
}

TEST(Lower, LeavesF32Alone) {
  EXPECT_UNCHANGED(Lower, R"(
graph @g(%x: f32[N,4]) -> (%y: f32[N,3]) {
  %y = fully_connected(%x, @f)
}
variable @f: f32[3,4]
)");
}

TEST(Pipeline, InferencePassesLeaveOnlyLayersOfTheSurveyCnn) {
  auto graph = ir::Parse(R"(
graph @g(%x: f32[N,8,8,3], %step: i64[]) -> (%y: f32[N,5]) {
  %0 = conv2d(%x, @f1, @b1) {padding=same}
  %1 = relu(%0)
  %2 = batch_norm(%1, @s.positive, @o, @m, @v.positive)
  %3 = conv2d(%2, @f2, @b2) {padding=same}
  %4 = relu(%3)
  %5 = batch_norm(%4, @s.positive, @o, @m, @v.positive)
  %6 = max_pool2d(%5) {window=[2,2], strides=[2,2]}
  %7 = reshape(%6) {shape=[-1,64]}
  %8 = dropout(%7, %step) {rate=0.25}
  %9 = fully_connected(%8, @f3, @b3)
  %y = softmax(%9)
}
variable @f1: f32[4,3,3,3]
variable @b1: f32[4]
variable @f2: f32[4,3,3,4]
variable @b2: f32[4]
variable @f3: f32[5,64]
variable @b3: f32[5]
variable @s.positive: f32[4]
variable @o: f32[4]
variable @m: f32[4]
variable @v.positive: f32[4]
)");
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  ASSERT_TRUE(FillVariables(*graph).ok());
  RewriteReport report;
  ASSERT_TRUE(RemoveDropout(*graph, report).ok());
  auto prepared = PrepareForInference(*graph);
  ASSERT_TRUE(prepared.ok()) << prepared.status().message();
  std::string ops;
  for (const auto& node : prepared->nodes()) ops += StrCat(node->info().text_name, ' ');
  EXPECT_EQ(ops, "conv2d conv2d max_pool2d reshape fully_connected softmax ");
  EXPECT_TRUE(SameResults(*graph, *prepared));
}

TEST(Pipeline, AnUnknownPassIsNamed) {
  EXPECT_NE(FindPass("fold").status().message().find("fold-constants"), std::string::npos);
}

TEST(FoldConstants, LeavesAVariableThatTheProgramWrites) {
  auto graph = ir::Parse(R"(graph @g(%x: f32[N,2]) -> (%y: f32[N,2]) {
  %0 = multiply(@w, @mask)
  %y = multiply(%x, %0)
}
variable @w: f32[2] = [1, 2]
variable @mask: f32[2] = [1, 1]
)");
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  graph->value(graph->FindVariable("mask")).set_host_written(true);
  const std::string before = ir::Print(*graph);
  auto prepared = PrepareForInference(*graph);
  ASSERT_TRUE(prepared.ok()) << prepared.status().message();
  EXPECT_EQ(ir::Print(*prepared), before);
}

}  // namespace
}  // namespace tersor::transforms
