#include "tersor/measure/accuracy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tersor/base/random.h"
#include "tersor/ir/builder.h"
#include "tersor/ir/text_testing.h"
#include "tersor/measure/split_testing.h"

namespace tersor::measure {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using ir::Parsed;

// The output is the input, so that a test writes the scores down as examples.
constexpr const char* kScores = R"(
graph @scores(%x: f32[N,7]) -> (%y: f32[N,7]) {
  %y = clamp(%x) {max=1000, min=-1000}
}
)";

template <typename T>
data::NamedTensor Array(std::string name, Shape shape, const std::vector<T>& values) {
  auto tensor =
      Tensor::FromValues<T>({DTypeOf<T>, std::move(shape), {}}, std::span<const T>(values));
  EXPECT_TRUE(tensor.ok());
  return {std::move(name), *std::move(tensor)};
}

data::Dataset SetOf(std::vector<data::NamedTensor> columns) {
  auto set = data::DatasetInMemory("scores", std::move(columns));
  EXPECT_TRUE(set.ok()) << set.status().message();
  return *std::move(set);
}

Accuracy Measured(const ir::Graph& model, const data::Dataset& set,
                  const AccuracyOptions& options = {}) {
  auto accuracy = MeasureAccuracy(model, set, options);
  EXPECT_TRUE(accuracy.ok()) << accuracy.status().message();
  return accuracy.ok() ? *std::move(accuracy) : Accuracy();
}

struct Row {
  std::vector<float> scores;
  int32_t label;
  int32_t prediction;
  bool in_top5;
};

TEST(Accuracy, RanksAndTies) {
  const std::vector<Row> rows = {
      {{0, 1, 9, 2, 3, 4, 5}, 2, 2, true},
      {{9, 8, 7, 6, 5, 4, 3}, 4, 0, true},   // the fifth largest
      {{9, 8, 7, 6, 5, 4, 3}, 5, 0, false},  // the sixth
      {{1, 5, 5, 0, 0, 0, 0}, 1, 1, true},   // equal: the first is the prediction
      {{1, 5, 5, 0, 0, 0, 0}, 2, 1, true},
      {{9, 8, 7, 6, 5, 5, 0}, 4, 0, true},  // equal at the border: the first one is in
      {{9, 8, 7, 6, 5, 5, 0}, 5, 0, false},
      {{0, 0, 0, 0, 0, 0, 0}, 0, 0, true},
      {{0, 0, 0, 0, 0, 0, 0}, 4, 0, true},
      {{0, 0, 0, 0, 0, 0, 0}, 5, 0, false},
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    const Accuracy accuracy = Measured(
        Parsed(kScores),
        SetOf({Array<float>("x", {1, 7}, row.scores), Array<int32_t>("label", {1}, {row.label})}));
    EXPECT_THAT(accuracy.predictions, ElementsAre(row.prediction)) << i;
    EXPECT_EQ(accuracy.correct, row.prediction == row.label) << i;
    EXPECT_EQ(accuracy.correct5, row.in_top5) << i;
    EXPECT_EQ(accuracy.count, 1);
  }
}

TEST(Accuracy, CountsByClass) {
  std::vector<float> scores(7 * 6, 0);
  const std::vector<int32_t> labels = {3, 3, 3, 1, 1, 6}, best = {3, 2, 3, 1, 0, 5};
  for (size_t i = 0; i < labels.size(); ++i) scores[7 * i + static_cast<size_t>(best[i])] = 1;
  const Accuracy accuracy =
      Measured(Parsed(kScores),
               SetOf({Array<float>("x", {6, 7}, scores), Array<int32_t>("label", {6}, labels)}));
  EXPECT_EQ(accuracy.count, 6);
  EXPECT_EQ(accuracy.correct, 3);
  EXPECT_DOUBLE_EQ(accuracy.top1(), 0.5);
  EXPECT_THAT(accuracy.class_count, ElementsAre(0, 2, 0, 3, 0, 0, 1));
  EXPECT_THAT(accuracy.class_correct, ElementsAre(0, 1, 0, 2, 0, 0, 0));
  EXPECT_EQ(accuracy.predictions, best);
}

TEST(Accuracy, LossIsTheMeanCrossEntropyOfLogitsOrProbabilities) {
  const std::vector<float> scores = {1, 2, 3, -1, -2, 0, 0, 0, 1, 2, 3, -1, -2, 200};
  const data::Dataset set =
      SetOf({Array<float>("x", {2, 7}, scores), Array<int32_t>("label", {2}, {1, 4})});
  double expected = 0, capped = 0;
  for (size_t row : {0, 1}) {
    const float* x = scores.data() + 7 * row;
    double sum = 0;
    for (int c = 0; c < 7; ++c) sum += std::exp(static_cast<double>(x[c]));
    const double loss = std::log(sum) - static_cast<double>(x[row == 0 ? 1 : 4]);
    expected += loss / 2;
    capped += std::min(loss, -std::log(1e-7)) / 2;
  }
  EXPECT_NEAR(Measured(Parsed(kScores), set).loss, expected, 1e-9);
  const ir::Graph softmax = Parsed(R"(
graph @softmax(%x: f32[N,7]) -> (%y: f32[N,7]) {
  %y = softmax(%x)
}
)");
  EXPECT_NEAR(Measured(softmax, set).loss, capped, 1e-5);
  // Of integers: the real values count, and a softmax may stand before a quantize.
  for (bool with_softmax : {false, true}) {
    ir::GraphBuilder b("integers");
    ir::ValueId x = b.Input("x", Shape{kBatch, 7});
    if (with_softmax) x = b.Softmax(x);
    const Quantization parameters{{with_softmax ? 1.0f / 256 : 2.0f}, {-128}, -1};
    auto graph = b.Build({b.Name(b.Quantize(x, DType::kI8, parameters), "y")});
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    const data::Dataset even = SetOf(
        {Array<float>("x", {1, 7}, {0, 0, 2, 0, 0, 0, 0}), Array<int32_t>("label", {1}, {2})});
    const double exact = std::log(std::exp(2.0) + 6) - 2;
    EXPECT_NEAR(Measured(*graph, even).loss, exact, with_softmax ? 0.01 : 1e-9);
  }
}

TEST(Accuracy, TheSameForAnyNumberOfThreadsAndAnyBatch) {
  Random random(3, 0);
  std::vector<float> scores(7 * 101);
  for (float& x : scores) x = random.NextNormal();
  std::vector<int32_t> labels(101);
  for (int32_t& label : labels) label = static_cast<int32_t>(random.NextBelow(7));
  const data::Dataset set =
      SetOf({Array<float>("x", {101, 7}, scores), Array<int32_t>("label", {101}, labels)});
  const Accuracy one = Measured(Parsed(kScores), set);
  for (int threads : {2, 3, 300}) {
    AccuracyOptions options;
    options.threads = threads;
    const Accuracy many = Measured(Parsed(kScores), set, options);
    EXPECT_EQ(many.predictions, one.predictions);
    EXPECT_EQ(many.correct5, one.correct5);
    EXPECT_EQ(many.class_correct, one.class_correct);
    EXPECT_EQ(many.loss, one.loss) << "to the bit";
  }
  for (int64_t batch : {1, 7, 101, 500}) {
    AccuracyOptions options;
    options.batch = batch;
    const Accuracy other = Measured(Parsed(kScores), set, options);
    EXPECT_EQ(other.predictions, one.predictions);
    EXPECT_NEAR(other.loss, one.loss, 1e-12);
  }
}

TEST(Accuracy, AModelOfFixedBatchSeesEveryExampleOnce) {
  const ir::Graph model = Parsed(R"(
graph @fixed(%x: f32[4,7]) -> (%y: f32[4,7]) {
  %y = clamp(%x) {max=1000, min=-1000}
}
)");
  std::vector<float> scores(7 * 6, 0);
  for (size_t i = 0; i < 6; ++i) scores[7 * i + i] = 1;
  const Accuracy accuracy = Measured(
      model,
      SetOf({Array<float>("x", {6, 7}, scores), Array<int32_t>("label", {6}, {0, 1, 2, 3, 4, 0})}));
  EXPECT_THAT(accuracy.predictions, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(accuracy.correct, 5);
}

TEST(Accuracy, WhatIsNoClassifierOrDoesNotFitIsRefusedWithAReason) {
  const data::NamedTensor x = Array<float>("x", {1, 7}, std::vector<float>(7, 0));
  const struct {
    const char* model;
    std::vector<data::NamedTensor> columns;
    const char* message;
  } kCases[] = {
      {kScores, {x}, "data set scores has no labels"},
      {kScores, {x, Array<int32_t>("label", {1}, {7})}, "has label 7, the model has 7 classes"},
      {kScores, {x, Array<int32_t>("label", {1}, {-1})}, "has label -1, the model has 7 classes"},
      {kScores,
       {x, Array<float>("label", {1, 7}, std::vector<float>(7, 0))},
       "has labels f32[7], expected class numbers"},
      {kScores,
       {Array<float>("x", {1, 6}, std::vector<float>(6, 0)), Array<int32_t>("label", {1}, {0})},
       "cannot feed examples f32[1,6] to an input f32[N,7]: the extents"},
      {"graph @two(%x: f32[N,7]) -> (%y: f32[N,7], %z: f32[N,7]) {\n  %y = relu(%x)\n  %z = "
       "tanh(%x)\n}\n",
       {x, Array<int32_t>("label", {1}, {0})},
       "has one output, the model has 2"},
      {"graph @flat(%x: f32[N,7]) -> (%y: f32[N,7,1]) {\n  %y = reshape(%x) {shape=[-1,7,1]}\n}\n",
       {x, Array<int32_t>("label", {1}, {0})},
       "found f32[N,7,1]"},
  };
  for (const auto& c : kCases) {
    const Status status = MeasureAccuracy(Parsed(c.model), SetOf(c.columns)).status();
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(status.message(), HasSubstr(c.message));
  }
}

TEST(Accuracy, EachSplitHasTheFiguresOfItsOwn) {
  const std::string path = ::testing::TempDir() + "/tersor_distinct_splits.npz";
  testing::WriteDistinctSplits(path);
  for (data::Split split : {data::Split::kTrain, data::Split::kValidation, data::Split::kTest,
                            data::Split::kTrainAndValidation}) {
    auto set = data::LoadDataset(path, split);
    ASSERT_TRUE(set.ok()) << set.status().message();
    AccuracyOptions options;
    options.normalize = data::Normalize::kUnit;
    const Accuracy accuracy = Measured(testing::QuadrantModel(), *set, options);
    EXPECT_EQ(accuracy.count, testing::FactsOf(split).count) << data::SplitName(split);
    EXPECT_EQ(accuracy.correct, testing::FactsOf(split).correct) << data::SplitName(split);
  }
}

// Values of the formula in Wilson's paper, by hand for 8 of 10; and what guessing gives.
TEST(WilsonInterval, HoldsTheShareAndStaysInsideOfZeroAndOne) {
  const ShareInterval eight = WilsonInterval(8, 10);
  EXPECT_NEAR(eight.low, 0.4901625, 1e-6);
  EXPECT_NEAR(eight.high, 0.9433178, 1e-6);
  const ShareInterval many = WilsonInterval(9175, 10000);
  EXPECT_NEAR(many.low, 0.911946, 1e-6);
  EXPECT_NEAR(many.high, 0.922733, 1e-6);
  EXPECT_NEAR(WilsonInterval(0, 10).low, 0, 1e-12);
  EXPECT_NEAR(WilsonInterval(0, 10).high, 0.2775328, 1e-6);
  EXPECT_NEAR(WilsonInterval(10, 10).high, 1, 1e-12);
  EXPECT_NEAR(WilsonInterval(10, 10).low, 1 - 0.2775328, 1e-6);
  EXPECT_EQ(WilsonInterval(0, 0).low, 0);
  EXPECT_EQ(WilsonInterval(0, 0).high, 1);
}

TEST(IsNearChance, IsWhatGuessingMayGive) {
  EXPECT_TRUE(IsNearChance(1000, 10000, 10));
  EXPECT_TRUE(IsNearChance(1050, 10000, 10));
  EXPECT_FALSE(IsNearChance(1100, 10000, 10));
  EXPECT_FALSE(IsNearChance(900, 10000, 10));
  EXPECT_TRUE(IsNearChance(20, 41, 2));
  EXPECT_FALSE(IsNearChance(35, 41, 2));
}

}  // namespace
}  // namespace tersor::measure
