// Graphs whose weights are encoded run as with the dense form; what would update them is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tersor/base/encodings_testing.h"
#include "tersor/ir/text.h"
#include "tersor/runtime/executable.h"

namespace tersor::runtime {
namespace {

using ::testing::ElementsAre;

// w is [0, 5, 0, 0; 7, 0, 0, 2], b is [2, 1].
constexpr char kModel[] = R"(graph @g(%x: f32[N,4]) -> (%y: f32[N,2]) {
  %y = fully_connected(%x, @w, @b)
}
variable @w: f32[2,4] = bitmap base64 "AACgQAAA4EAAAABAkg=="
variable @b: f32[2] = palette [2, -1, 0] base64 "AACAPwAAAEAB"
)";

TEST(EncodedWeights, GiveTheResultsOfTheirDenseForm) {
  auto graph = ir::Parse(kModel);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const Tensor x =
      Tensor::FromValues<float>({DType::kF32, {1, 4}, {}}, std::vector<float>{1, 10, 100, 1000})
          .value();
  auto results = RunOnce(*graph, {{x}});
  ASSERT_TRUE(results.ok()) << results.status().message();
  EXPECT_THAT((*results)[0].values<float>(), ElementsAre(50 + 2, 7 + 2000 + 1));
}

// A maker of kernels is offered both forms: the dense view and, beside it, the encoded one.
TEST(EncodedWeights, AreShownToKernels) {
  auto graph = ir::Parse(kModel);
  ASSERT_TRUE(graph.ok());
  const Plan plan = MakePlan(*graph).value();
  const KernelCase kernel_case(plan, plan.steps[0]);
  const kernels::KernelSpec& spec = kernel_case.spec();
  ASSERT_EQ(spec.operands.size(), 3u);
  ASSERT_EQ(spec.encoded.size(), 3u);
  EXPECT_EQ(spec.operands[0].data, nullptr);
  EXPECT_EQ(spec.encoded[0], nullptr);
  EXPECT_EQ(spec.encoded[1]->encoding(), Encoding::kBitmap);
  EXPECT_EQ(spec.encoded[2]->encoding(), Encoding::kPalette);
  EXPECT_THAT(std::span(spec.operands[1].as<float>(), 8), ElementsAre(0, 5, 0, 0, 7, 0, 0, 2));
  EXPECT_EQ(spec.operands[1].data, spec.encoded[1]->dense().view().data);
}

TEST(EncodedWeights, LiveAsLongAsTheExecutable) {
  auto graph = ir::Parse(kModel);
  ASSERT_TRUE(graph.ok());
  auto executable = Compile(*graph);
  ASSERT_TRUE(executable.ok()) << executable.status().message();
  *graph = ir::Graph();
  const std::vector<float> x = {1, 10, 100, 1000};
  std::vector<float> y(2);
  const TensorType in{DType::kF32, {1, 4}, {}}, out{DType::kF32, {1, 2}, {}};
  const ConstTensorView inputs[] = {{&in, x.data()}};
  const TensorView outputs[] = {{&out, y.data()}};
  ASSERT_TRUE(executable->Run(inputs, outputs).ok());
  EXPECT_THAT(y, ElementsAre(52, 2008));
}

TEST(EncodedWeights, AreNotUpdated) {
  auto graph = ir::Parse(R"(graph @g(%g: f32[1,4], %rate: f32[]) -> () {
  sgd_update(@w, %g, _, %rate)
}
variable @w: f32[1,4] trainable = bitmap base64 "AACgQAI="
)");
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(Compile(*graph).status().message(), "variable 'w' is updated, but its data is encoded");
}

}  // namespace
}  // namespace tersor::runtime
