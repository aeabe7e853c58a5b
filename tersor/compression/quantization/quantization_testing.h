// What the tests of quantization share.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "tersor/ir/graph.h"
#include "tersor/ir/text_testing.h"
#include "tersor/transforms/testing.h"

namespace tersor::compression {

/// The graph of a text, its variables filled from `seed`.
inline ir::Graph Parsed(std::string_view text, uint64_t seed = 1) {
  ir::Graph graph = ir::Parsed(text);
  EXPECT_TRUE(transforms::FillVariables(graph, seed).ok());
  return graph;
}

// The survey's order: convolution, relu, affine; a residual; two heads that are joined.
inline constexpr std::string_view kModel = R"(
graph @small(%image: f32[N,8,8,3]) -> (%probabilities: f32[N,5]) {
  %0 = conv2d(%image, @conv1.filter, @conv1.bias) {activation=relu, padding=same}
  %1 = multiply(%0, @norm1.positive)
  %2 = add(%1, @norm1.shift)
  %3 = conv2d(%2, @conv2.filter, @conv2.bias) {activation=relu, padding=same}
  %4 = add(%3, %2)
  %5 = max_pool2d(%4) {strides=[2,2], window=[2,2]}
  %6 = multiply(%5, @norm2.positive)
  %7 = reshape(%6) {shape=[-1,128]}
  %8 = fully_connected(%7, @dense.filter, @dense.bias) {activation=relu}
  %9 = fully_connected(%8, @head.filter)
  %probabilities = softmax(%9)
}
variable @conv1.filter: f32[8,3,3,3] trainable
variable @conv1.bias: f32[8] trainable
variable @norm1.positive: f32[8] trainable
variable @norm1.shift: f32[8] trainable
variable @conv2.filter: f32[8,3,3,8] trainable
variable @conv2.bias: f32[8] trainable
variable @norm2.positive: f32[8] trainable
variable @dense.filter: f32[32,128] trainable
variable @dense.bias: f32[32] trainable
variable @head.filter: f32[5,32] trainable
)";

/// How often an operator stands in the graph.
inline int CountOps(const ir::Graph& graph, ir::OpKind op) {
  int count = 0;
  for (const auto& node : graph.nodes()) count += node->op() == op;
  return count;
}

}  // namespace tersor::compression
