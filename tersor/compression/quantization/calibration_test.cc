#include "tersor/compression/quantization/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tersor/compression/quantization/prepare.h"
#include "tersor/compression/quantization/quantization.h"
#include "tersor/ir/text_testing.h"
#include "tersor/measure/split_testing.h"

namespace tersor::compression {
namespace {

using testing::HasSubstr;

using ir::Parsed;

// Examples [2] of which number i is (i + 1, -10 * (i + 1)).
data::Dataset Numbers(int64_t count) {
  Tensor x = Tensor::Create({DType::kF32, {count, 2}, {}}).value();
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    x.mutable_values<float>()[2 * i] = static_cast<float>(i + 1);
    x.mutable_values<float>()[2 * i + 1] = -10.0f * static_cast<float>(i + 1);
  }
  return data::DatasetInMemory("numbers", {{"x", x}}).value();
}

CalibrationStatistics Calibrated(const ir::Graph& model, const data::Dataset& examples,
                                 int threads = 1, int64_t batch = 8) {
  CalibrationOptions options;
  options.normalize = data::Normalize::kUnit;
  options.threads = threads;
  options.batch = batch;
  auto statistics = Calibrate(model, examples, options);
  EXPECT_TRUE(statistics.ok()) << statistics.status().message();
  return *std::move(statistics);
}

const Histogram& Of(const CalibrationStatistics& statistics, ir::ValueId id) {
  return statistics.values.at(id);
}

TEST(Calibrate, EveryExampleIsSeenOnceWhateverIsLeftOverOfABatch) {
  const ir::Graph model = Parsed(R"(
graph @g(%x: f32[N,2]) -> (%y: f32[N,2]) {
  %y = negate(%x)
}
)");
  for (int64_t count : {1, 5, 8, 13}) {
    for (int threads : {1, 3}) {
      const CalibrationStatistics seen = Calibrated(model, Numbers(count), threads, 4);
      EXPECT_EQ(seen.examples, count);
      for (ir::ValueId id : {model.inputs()[0], model.outputs()[0]}) {
        EXPECT_EQ(Of(seen, id).count(), 2 * count);
      }
      EXPECT_EQ(Of(seen, model.inputs()[0]).max(), static_cast<float>(count));
      EXPECT_EQ(Of(seen, model.inputs()[0]).min(), -10.0f * static_cast<float>(count));
      EXPECT_EQ(Of(seen, model.outputs()[0]).max(), 10.0f * static_cast<float>(count));
    }
  }
}

TEST(Calibrate, AFixedBatchIsFilled) {
  const ir::Graph model = Parsed(R"(
graph @g(%x: f32[4,2]) -> (%y: f32[4,2]) {
  %y = negate(%x)
}
)");
  for (int64_t count : {6, 1}) {
    const CalibrationStatistics seen = Calibrated(model, Numbers(count));
    const Histogram& input = Of(seen, model.inputs()[0]);
    const Histogram& output = Of(seen, model.outputs()[0]);
    EXPECT_EQ(input.count(), count == 6 ? 16 : 8);
    EXPECT_EQ(input.min(), -output.max());
    EXPECT_EQ(input.max(), -output.min());
    EXPECT_EQ(input.max(), static_cast<float>(count)) << "with examples again, not with zeros";
    EXPECT_EQ(input.min(), -10.0f * static_cast<float>(count));
  }
}

TEST(Calibrate, TheRangesAreThoseOfTheSplitThatWasGiven) {
  const std::string path = testing::TempDir() + "/tersor_calibration_splits.npz";
  measure::testing::WriteDistinctSplits(path);
  const ir::Graph model = measure::testing::QuadrantModel();
  for (data::Split split : {data::Split::kTrain, data::Split::kValidation, data::Split::kTest}) {
    auto examples = data::LoadDataset(path, split);
    ASSERT_TRUE(examples.ok()) << examples.status().message();
    const CalibrationStatistics seen = Calibrated(model, *examples);
    const measure::testing::SplitFacts facts = measure::testing::FactsOf(split);
    EXPECT_EQ(seen.examples, facts.count);
    QuantizationOptions options;
    options.settings.standard.calibration = CalibrationMethod::kMinMax;
    auto quantized = Quantize(model, options, &seen);
    ASSERT_TRUE(quantized.ok()) << quantized.status().message();
    const TensorType& input = quantized->value(quantized->inputs()[0]).type();
    EXPECT_FLOAT_EQ(input.quantization->scales[0], facts.input_scale()) << data::SplitName(split);
  }
}

TEST(Calibrate, HandsThePreparedGraphOn) {
  ir::Graph model = measure::testing::QuadrantModel();
  Tensor images = Tensor::Create({DType::kU8, {4, 8, 8, 1}, {}}).value();
  const data::Dataset examples = data::DatasetInMemory("four", {{"image", images}}).value();
  const CalibrationStatistics seen = Calibrated(model, examples);
  const auto text = [](const ir::Graph& graph) { return ir::Print(graph, {.data = true}); };
  EXPECT_EQ(text(seen.prepared), text(*PrepareForQuantization(model)));
  QuantizationOptions options;
  options.kind = QuantizationKind::kWeightOnly;
  options.minimum_saved_bytes = 1;
  auto with = Quantize(model, options, &seen), without = Quantize(model, options);
  ASSERT_TRUE(with.ok() && without.ok());
  EXPECT_EQ(text(*with), text(*without));
  EXPECT_EQ(text(seen.prepared), text(*PrepareForQuantization(model))) << "it stays as it was";

  // New weights: the prepared graph is that of the old ones.
  ir::Value& filter = model.value(model.FindVariable("head.filter"));
  Tensor changed = filter.data().Clone().value();
  changed.mutable_values<float>()[3] += 1;
  filter.set_data(changed);
  EXPECT_THAT(Quantize(model, {}, &seen).status().message(),
              HasSubstr("of another model, or its weights have changed"));
  with = Quantize(model, options, &seen);
  without = Quantize(model, options);
  ASSERT_TRUE(with.ok() && without.ok());
  EXPECT_EQ(text(*with), text(*without));
}

TEST(Calibrate, WhatDoesNotFitIsRefusedWithAReason) {
  const auto message = [](const char* text, const data::Dataset& examples) {
    return std::string(Calibrate(Parsed(text), examples).status().message());
  };
  EXPECT_THAT(
      message("graph @g(%x: f32[N,3]) -> (%y: f32[N,3]) {\n  %y = relu(%x)\n}\n", Numbers(2)),
      HasSubstr("cannot feed examples f32[2,2] to an input f32[N,3]"));
  EXPECT_THAT(message("graph @g(%a: f32[N,2], %b: f32[N,2]) -> (%y: f32[N,2]) {\n  %y = add(%a, "
                      "%b)\n}\n",
                      Numbers(2)),
              HasSubstr("calibration: the model has 2 inputs, expected one"));
  EXPECT_THAT(message("graph @g(%x: f32[]) -> (%y: f32[]) {\n  %y = relu(%x)\n}\n", Numbers(2)),
              HasSubstr("expected examples along the first axis"));
}

}  // namespace
}  // namespace tersor::compression
