// Which split each figure of a study is made from, on data whose splits cannot be mistaken.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "tersor/base/file.h"
#include "tersor/base/progress.h"
#include "tersor/formats/formats.h"
#include "tersor/guide/shrink.h"
#include "tersor/measure/split_testing.h"

namespace tersor::guide {
namespace {

using data::Split;
using measure::testing::FactsOf;

class ShrinkSplits : public ::testing::Test {
 protected:
  void SetUp() override {
    SetProgressMode(ProgressMode::kSilent);
    std::string pattern = ::testing::TempDir() + "tersor_splits_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    measure::testing::WriteDistinctSplits(root_ + "/data.npz");
    ASSERT_TRUE(
        formats::ExportModel(measure::testing::QuadrantModel(), root_ + "/quadrants.tersor").ok());
    options_.models = {root_ + "/quadrants.tersor"};
    options_.data = root_ + "/data.npz";
    options_.folder = root_ + "/study";
    options_.latency_time_s = 0.003;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::string root_;
  ShrinkOptions options_;
};

TEST_F(ShrinkSplits, EachAccuracyIsThatOfItsSplit) {
  const auto summary = Shrink(options_);
  ASSERT_TRUE(summary.ok()) << summary.status().message();
  ASSERT_GT(summary->points.size(), 3u);
  int tested = 0;
  for (const SummaryPoint& point : summary->points) {
    EXPECT_EQ(point.point.metric(kValidationTop1), FactsOf(Split::kValidation).top1())
        << point.point.name;
    const auto test = point.point.metric(kTestTop1);
    if (!test) continue;
    ++tested;
    EXPECT_EQ(test, FactsOf(Split::kTest).top1()) << point.point.name;
  }
  EXPECT_GT(tested, 0);
}

// The scale of a calibrated model's input follows from the brightest pixel that calibration saw.
TEST_F(ShrinkSplits, CalibrationSeesTheTrainSplitAlone) {
  const auto summary = Shrink(options_);
  ASSERT_TRUE(summary.ok()) << summary.status().message();
  int calibrated = 0;
  for (const SummaryPoint& point : summary->points) {
    if (point.point.name.find("full-integer") == std::string::npos) continue;
    const auto graph = formats::ImportModel(options_.folder + "/models/" + point.point.file);
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    const auto& quantization = graph->value(graph->inputs()[0]).type().quantization;
    ASSERT_TRUE(quantization.has_value()) << point.point.name;
    ++calibrated;
    const float scale = quantization->scales[0];
    const float expected = FactsOf(Split::kTrain).input_scale();
    for (Split other : {Split::kValidation, Split::kTest}) {
      EXPECT_LT(std::fabs(scale - expected), std::fabs(scale - FactsOf(other).input_scale()))
          << point.point.name;
    }
  }
  EXPECT_GT(calibrated, 0);
}

// A limit between the accuracies of two splits shows by which one models are chosen.
TEST_F(ShrinkSplits, LimitsAreHeldAgainstTheValidationSplit) {
  options_.limits = {{kValidationTop1, Limit::Kind::kAtLeast, 0.6}};
  const auto inside = Shrink(options_);
  ASSERT_TRUE(inside.ok()) << inside.status().message();
  EXPECT_TRUE(inside->best.has_value()) << "70 % of validation, although 50 % of test";
  options_.limits = {{kValidationTop1, Limit::Kind::kAtLeast, 0.8}};
  const auto outside = Shrink(options_);
  ASSERT_TRUE(outside.ok()) << outside.status().message();
  EXPECT_FALSE(outside->best.has_value()) << "although 90 % of train";
}

}  // namespace
}  // namespace tersor::guide
