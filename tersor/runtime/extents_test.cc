#include "tersor/runtime/extents.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tersor/ir/text_testing.h"
#include "tersor/runtime/executable.h"

namespace tersor::runtime {
namespace {

using ir::Parsed;

// Scores of each position of a sequence against every other, for a batch of sequences.
constexpr std::string_view kScores =
    R"(graph @scores(%q: f32[N,S,4], %k: f32[N,T,4]) -> (%y: f32[N,S,T]) {
  %0 = mat_mul(%q, %k) {transpose_rhs=true}
  %y = softmax(%0)
}
)";

Tensor Filled(Shape shape) {
  Tensor tensor = Tensor::Create({DType::kF32, std::move(shape), {}}).value();
  float next = 0;
  for (float& x : tensor.mutable_values<float>()) x = 0.01f * next++;
  return tensor;
}

TEST(Extents, AreBoundWhereverTheyStand) {
  const ir::Graph graph = Parsed(kScores);
  EXPECT_EQ(ir::Print(graph), kScores);
  CompileOptions options;
  options.batch = 2;
  options.extents = {{"S", 3}, {"T", 5}};
  auto compiled = Compile(graph, options);
  ASSERT_TRUE(compiled.ok()) << compiled.status().message();
  EXPECT_EQ(compiled->input_types()[1].ToString(), "f32[2,5,4]");
  EXPECT_EQ(compiled->output_types()[0].ToString(), "f32[2,3,5]");
  EXPECT_EQ(compiled->plan().steps[0].info.macs, 2 * 3 * 5 * 4);
}

TEST(Extents, RunOnceTakesThemFromTheInputs) {
  const ir::Graph graph = Parsed(kScores);
  const Tensor inputs[] = {Filled({2, 3, 4}), Filled({2, 5, 4})};
  auto outputs = RunOnce(graph, inputs);
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  EXPECT_EQ((*outputs)[0].type().ToString(), "f32[2,3,5]");
  for (int row = 0; row < 6; ++row) {
    float sum = 0;
    for (int t = 0; t < 5; ++t)
      sum += (*outputs)[0].values<float>()[static_cast<size_t>(row * 5 + t)];
    EXPECT_NEAR(sum, 1, 1e-5);
  }
  const Tensor different[] = {Filled({2, 3, 4}), Filled({3, 5, 4})};
  EXPECT_EQ(RunOnce(graph, different).status().message(),
            "input k is f32[3,5,4], but N is already 2");
}

TEST(Extents, WhatIsMissingOrUnknownIsSaid) {
  const ir::Graph graph = Parsed(kScores);
  auto message = [&](std::map<std::string, int64_t> extents) {
    CompileOptions options;
    options.extents = std::move(extents);
    return Compile(graph, options).status().message();
  };
  EXPECT_EQ(message({{"S", 3}}), "value k: extent T of f32[N,T,4] is symbolic and has no binding");
  EXPECT_EQ(message({{"S", 3}, {"T", 5}, {"U", 1}}),
            "no input has an extent U, symbolic are: N, S, T");
  EXPECT_EQ(message({{"S", 0}, {"T", 5}}), "extent S must be from 1 to 2147483647, found 0");
  EXPECT_EQ(message({{"N", 2}, {"S", 3}, {"T", 5}}),
            "extent N is the batch, which has an option of its own");
  CompileOptions options;
  options.batch = 0;
  EXPECT_EQ(Compile(graph, options).status().message(),
            "batch must be from 1 to 2147483647, found 0");
}

TEST(Extents, TwoAxesOfOneNameAreEqual) {
  const ir::Graph graph = Parsed(R"(graph @g(%x: f32[S,S]) -> (%y: f32[S,S]) {
  %0 = transpose(%x) {permutation=[1,0]}
  %y = add(%x, %0)
}
)");
  const Tensor square[] = {Filled({3, 3})};
  EXPECT_TRUE(RunOnce(graph, square).ok());
  const Tensor oblong[] = {Filled({3, 4})};
  EXPECT_EQ(RunOnce(graph, oblong).status().message(), "input x is f32[3,4], but S is already 3");
}

}  // namespace
}  // namespace tersor::runtime
