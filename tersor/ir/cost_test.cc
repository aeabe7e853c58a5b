#include "tersor/ir/cost.h"

#include <gtest/gtest.h>

#include <limits>

#include "tersor/ir/text.h"

namespace tersor::ir {
namespace {

Graph MustParse(std::string_view text) {
  auto graph = Parse(text);
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return std::move(graph).value();
}

TEST(Cost, CountsProductsPerExample) {
  const Graph graph = MustParse(R"(graph @g(%x: f32[N,8,8,4]) -> (%3: f32[N,10]) {
  %0 = conv2d(%x, @w) {padding=same, strides=[2,2]}
  %1 = conv2d(%0, @depthwise) {groups=6, padding=same}
  %2 = reshape(%1) {shape=[-1,96]}
  %3 = fully_connected(%2, @dense, @bias)
  %4 = mat_mul(%2, %2) {transpose_lhs=true}
  %5 = conv2d_grad_filter(%x, %0) {filter_shape=[6,3,3,4], padding=same, strides=[2,2]}
  %6 = conv2d_grad_input(@w, %0) {input_shape=[-1,8,8,4], padding=same, strides=[2,2]}
}
variable @w: f32[6,3,3,4] trainable
variable @depthwise: f32[6,3,3,1]
variable @dense: i8[10,96] q(0.5, 0)
variable @bias: f32[10] trainable
)");
  const int64_t expected[] = {4 * 4 * 6 * 9 * 4, 4 * 4 * 6 * 9,    0, 10 * 96, 96 * 96,
                              4 * 4 * 6 * 9 * 4, 4 * 4 * 6 * 9 * 4};
  int64_t sum = 0;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    EXPECT_EQ(MacsOf(graph, *graph.nodes()[i]), expected[i]) << i;
    sum += expected[i];
  }
  EXPECT_EQ(MacsOf(graph), sum);
  EXPECT_EQ(graph.num_parameters(), 216 + 54 + 960 + 10);
  EXPECT_EQ(VariableBytes(graph), 4 * 216 + 4 * 54 + 960 + 4 * 10);
}

TEST(Cost, SaturatesInsteadOfOverflowing) {
  const Graph graph = MustParse(R"(graph @g(%x: f32[N,1000000,1000000,1]) -> () {
  %0 = conv2d(%x, @w) {padding=same}
}
variable @w: f32[1,1000000,1000000,1]
)");
  EXPECT_EQ(MacsOf(graph), std::numeric_limits<int64_t>::max());
}

}  // namespace
}  // namespace tersor::ir
