// Which values share a scale, and where the error of a shift goes, for ranges that are given.
#include "tersor/compression/quantization/scale_plan.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>

#include "tersor/compression/quantization/full_integer.h"
#include "tersor/ir/text_testing.h"

namespace tersor::compression {
namespace {

using ir::Parsed;

// Statistics of values that were seen with these ranges: inputs first, then results of the nodes.
CalibrationStatistics Seen(const ir::Graph& graph, std::initializer_list<Range> ranges) {
  std::vector<ir::ValueId> ids = graph.inputs();
  for (const auto& node : graph.nodes()) ids.push_back(node->result());
  EXPECT_EQ(ids.size(), ranges.size());
  CalibrationStatistics statistics;
  size_t i = 0;
  for (const Range& range : ranges) {
    const float values[] = {static_cast<float>(range.low), static_cast<float>(range.high)};
    EXPECT_TRUE(statistics.values[ids[i++]].Add(values).ok());
  }
  return statistics;
}

QuantizationOptions MinMax() {
  QuantizationOptions options;
  options.settings.standard.calibration = CalibrationMethod::kMinMax;
  return options;
}

// Whether x and x + shift get one scale, when x was seen in [low, high].
bool ShareAScale(double low, double high, double shift) {
  const ir::Graph graph =
      Parsed(StrCat("graph @g(%x: f32[N,4]) -> (%y: f32[N,4]) {\n"
                    "  %y = add(%x, @shift)\n}\n"
                    "variable @shift: f32[1] = [",
                    shift, "]\n"));
  const auto statistics = Seen(graph, {{low, high}, {low + shift, high + shift}});
  auto plan = ScalePlan::Make(graph, MinMax(), statistics);
  EXPECT_TRUE(plan.ok()) << plan.status().message();
  return plan->of(graph.inputs()[0]) == plan->of(graph.outputs()[0]);
}

TEST(ScalePlan, AShiftSharesItsScaleUnlessTwoRoundingsAreTheLesserError) {
  // The shared range is 1.3 wide, two roundings have the error of hypot(1, 1): shared.
  EXPECT_TRUE(ShareAScale(0, 1, -0.3));
  EXPECT_TRUE(ShareAScale(-1, 1, 0.5));
  // The shared range is 3 wide, two roundings have the error of hypot(2, 2): each has its own.
  EXPECT_FALSE(ShareAScale(-1, 1, 1));
  EXPECT_FALSE(ShareAScale(0, 1, -0.6));
}

TEST(ScalePlan, OperatorsOfOneScaleShareItAndFixedOutputsKeepTheirs) {
  const ir::Graph graph = Parsed(R"(graph @g(%x: f32[N,4]) -> (%3: f32[N,8]) {
  %0 = reshape(%x) {shape=[-1,2,2]}
  %1 = reshape(%0) {shape=[-1,4]}
  %2 = sigmoid(%1)
  %3 = concat(%2, %1) {axis=1}
}
)");
  auto plan = ScalePlan::Make(graph, MinMax(),
                              Seen(graph, {{-1, 1}, {-1, 1}, {-1, 1}, {0.2, 0.8}, {-1, 1}}));
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  const auto of = [&](size_t node) { return plan->of(graph.nodes()[node]->result()); };
  EXPECT_EQ(of(0), plan->of(graph.inputs()[0]));
  EXPECT_EQ(of(1), of(0));
  EXPECT_EQ(of(2), (Quantization{{1.0f / 256}, {-128}, -1}));
  EXPECT_EQ(of(3), of(1));
}

// The error of a constant that is added goes into the bias of the next layer: of a grouped
// convolution, each output takes the errors of its own group's channels.
TEST(FullInteger, AGroupedConvolutionTakesTheErrorsOfItsOwnChannels) {
  const ir::Graph graph = Parsed(R"(graph @g(%x: f32[N,2,2,4]) -> (%y: f32[N,2,2,2]) {
  %0 = add(%x, @shift)
  %y = conv2d(%0, @filter) {groups=2}
}
variable @shift: f32[4] = [0.301, -0.107, 0.053, 0.209]
variable @filter: f32[2,1,1,2] = [1, 0.5, 0.25, -1]
)");
  const auto statistics = Seen(graph, {{-1, 1}, {-1.1, 1.3}, {-3, 3}});
  QuantizationOptions options = MinMax();
  options.settings.standard.per_channel = false;
  TechniqueReport report;
  const auto quantized = QuantizeFullInteger(graph, options, statistics, report);
  ASSERT_TRUE(quantized.ok()) << quantized.status().message();

  const ir::Value& shift = quantized->value(quantized->FindVariable("shift"));
  const Quantization& scale = *shift.type().quantization;
  const auto given = graph.value(graph.FindVariable("shift")).data().values<float>();
  double error[4];
  for (size_t c = 0; c < 4; ++c) {
    error[c] = given[c] - static_cast<double>(scale.scales[0]) *
                              (shift.data().values<int8_t>()[c] - scale.zero_points[0]);
  }
  const ir::Node& conv = *quantized->value(quantized->outputs()[0]).producer();
  const double unit =
      static_cast<double>(quantized->value(conv.operand(0)).type().quantization->scales[0]) *
      quantized->value(conv.operand(1)).type().quantization->scales[0];
  const auto bias = quantized->value(conv.operand(2)).data().values<int32_t>();
  EXPECT_NEAR(bias[0] * unit, error[0] + 0.5 * error[1], unit);
  EXPECT_NEAR(bias[1] * unit, 0.25 * error[2] - error[3], unit);
  // The case tells the groups apart.
  EXPECT_GT(std::abs(0.25 * error[2] - error[3] - (0.25 * error[0] - error[1])), 3 * unit);
}

}  // namespace
}  // namespace tersor::compression
