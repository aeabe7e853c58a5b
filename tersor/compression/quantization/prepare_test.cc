#include "tersor/compression/quantization/prepare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tersor/compression/quantization/quantization_testing.h"

namespace tersor::compression {
namespace {

TEST(PrepareForQuantization, AnAffineBehindAReluLeavesOneAdd) {
  const ir::Graph model = Parsed(kModel);
  auto prepared = PrepareForQuantization(model);
  ASSERT_TRUE(prepared.ok()) << prepared.status().message();
  EXPECT_EQ(CountOps(*prepared, ir::OpKind::kMultiply), 0);
  EXPECT_EQ(CountOps(*prepared, ir::OpKind::kAdd), 2) << "the shift and the residual";
  EXPECT_TRUE(transforms::SameResults(model, *prepared));
}

TEST(FoldScaleThroughRelu, NegativeFactorsLeaveTheirSigns) {
  ir::Graph model = Parsed(R"(
graph @g(%x: f32[N,4]) -> (%y: f32[N,3]) {
  %0 = fully_connected(%x, @f, @b) {activation=relu}
  %y = multiply(%0, @a)
}
variable @f: f32[3,4] trainable
variable @b: f32[3] trainable
variable @a: f32[3] trainable = [2, -0.5, 0]
)");
  ir::Graph folded = model.Clone();
  transforms::RewriteReport report;
  ASSERT_TRUE(FoldScaleThroughRelu(folded, report).ok());
  EXPECT_TRUE(transforms::SameResults(model, folded));
  const auto signs = folded.value(folded.FindVariable("a")).data().values<float>();
  EXPECT_THAT(std::vector<float>(signs.begin(), signs.end()), testing::ElementsAre(1, -1, 1));
  transforms::RewriteReport again;
  ASSERT_TRUE(FoldScaleThroughRelu(folded, again).ok());
  EXPECT_FALSE(again.changed());
}

TEST(FoldScaleThroughRelu, LeavesRelu6AndASecondUserAlone) {
  for (const char* text : {R"(
graph @g(%x: f32[N,4]) -> (%y: f32[N,3]) {
  %0 = fully_connected(%x, @f) {activation=relu6}
  %y = multiply(%0, @a.positive)
}
variable @f: f32[3,4] trainable
variable @a.positive: f32[3] trainable
)",
                           R"(
graph @g(%x: f32[N,4]) -> (%0: f32[N,3], %y: f32[N,3]) {
  %0 = fully_connected(%x, @f) {activation=relu}
  %y = multiply(%0, @a.positive)
}
variable @f: f32[3,4] trainable
variable @a.positive: f32[3] trainable
)"}) {
    EXPECT_UNCHANGED(FoldScaleThroughRelu, text);
  }
}

TEST(FoldAffineIntoUnpaddedLayer, ThroughAPoolAndAFlatten) {
  EXPECT_REWRITE(FoldAffineIntoUnpaddedLayer, R"(
graph @g(%x: f32[N,4,4,3]) -> (%y: f32[N,5]) {
  %0 = multiply(%x, @a.positive)
  %1 = add(%0, @b)
  %2 = max_pool2d(%1) {strides=[2,2], window=[2,2]}
  %3 = reshape(%2) {shape=[-1,12]}
  %y = fully_connected(%3, @f, @bias)
}
variable @a.positive: f32[3] trainable
variable @b: f32[3] trainable
variable @f: f32[5,12] trainable
variable @bias: f32[5] trainable
)",
                 R"(
graph @g(%x: f32[N,4,4,3]) -> (%y: f32[N,5]) {
  %0 = max_pool2d(%x) {strides=[2,2], window=[2,2]}
  %1 = reshape(%0) {shape=[-1,12]}
  %y = fully_connected(%1, @f, @bias)
}
variable @f: f32[5,12] trainable
variable @bias: f32[5] trainable
)");
}

TEST(FoldAffineIntoUnpaddedLayer, LeavesAReshapeOfAScalarAlone) {
  EXPECT_UNCHANGED(FoldAffineIntoUnpaddedLayer, R"(
graph @g(%x: f32[]) -> (%y: f32[1,1]) {
  %0 = multiply(%x, @a)
  %1 = reshape(%0) {shape=[1,1]}
  %y = fully_connected(%1, @f)
}
variable @a: f32[] = [2]
variable @f: f32[1,1] = [3]
)");
}

TEST(FoldAffineIntoUnpaddedLayer, LeavesPaddedCellsAlone) {
  EXPECT_UNCHANGED(FoldAffineIntoUnpaddedLayer, R"(
graph @g(%x: f32[N,4,4,3]) -> (%y: f32[N,4,4,2]) {
  %0 = add(%x, @b)
  %y = conv2d(%0, @f) {padding=same}
}
variable @b: f32[3] trainable
variable @f: f32[2,3,3,3] trainable
)");
}

}  // namespace
}  // namespace tersor::compression
