// For tests: a data set whose splits cannot be mistaken for one another, and a model for it. Each
// split has its own number of examples, its own share of right answers and its own brightest pixel,
// so that any figure tells which split it was made from.
#pragma once

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tersor/data/dataset.h"
#include "tersor/data/npy.h"
#include "tersor/ir/builder.h"

namespace tersor::measure::testing {

/// What a split of WriteDistinctSplits() holds.
struct SplitFacts {
  int64_t count = 0;
  int64_t correct = 0;    ///< examples that QuadrantModel() labels right
  uint8_t brightest = 0;  ///< largest pixel

  double top1() const { return static_cast<double>(correct) / static_cast<double>(count); }
  /// Of the model's input, unit normalized, after a min-max calibration on this split.
  float input_scale() const { return static_cast<float>(brightest) / 255.0f / 255.0f; }
};

/// Top-1 is 90 % of train, 70 % of validation, 50 % of test.
inline SplitFacts FactsOf(data::Split split) {
  switch (split) {
    case data::Split::kTrain:
      return {80, 72, 96};
    case data::Split::kValidation:
      return {40, 28, 160};
    case data::Split::kTest:
      return {60, 30, 240};
    case data::Split::kTrainAndValidation:
      return {120, 100, 160};
  }
  return {};
}

/// Writes the set to `path`, which ends in .npz: u8 images [8,8,1] of 4 classes with one bright
/// quadrant each, i % 4 of image i. The model says that quadrant; the label says the next one in
/// the wrong share of the examples.
inline void WriteDistinctSplits(const std::string& path) {
  std::vector<data::NamedTensor> arrays;
  for (const auto& [name, split] :
       {std::pair("train", data::Split::kTrain), std::pair("val", data::Split::kValidation),
        std::pair("test", data::Split::kTest)}) {
    const SplitFacts facts = FactsOf(split);
    const int64_t right_of_ten = 10 * facts.correct / facts.count;
    auto images = Tensor::Create({DType::kU8, {facts.count, 8, 8, 1}, {}});
    auto labels = Tensor::Create({DType::kI32, {facts.count}, {}});
    ASSERT_TRUE(images.ok() && labels.ok());
    uint8_t* pixel = images->mutable_values<uint8_t>().data();
    for (int64_t i = 0; i < facts.count; ++i) {
      const int64_t quadrant = i % 4;
      const bool right = i * 7 % 10 < right_of_ten;
      labels->mutable_values<int32_t>()[static_cast<size_t>(i)] =
          static_cast<int32_t>((quadrant + (right ? 0 : 1)) % 4);
      for (int64_t p = 0; p < 64; ++p) {
        const bool bright = (p / 32) * 2 + (p % 8) / 4 == quadrant;
        *pixel++ = bright ? facts.brightest : static_cast<uint8_t>(facts.brightest / 4);
      }
    }
    arrays.push_back({StrCat("x_", name), *std::move(images)});
    arrays.push_back({StrCat("y_", name), *std::move(labels)});
  }
  const Status written = data::WriteNpz(path, arrays);
  ASSERT_TRUE(written.ok()) << written.message();
}

/// A classifier of the bright quadrant: a convolution that takes each quadrant's mean, a fully
/// connected layer, a softmax. Its metadata says "unit".
inline ir::Graph QuadrantModel() {
  ir::GraphBuilder b("quadrants");
  auto values = [](Shape shape, std::vector<float> x) {
    return Tensor::FromValues<float>({DType::kF32, std::move(shape), {}},
                                     std::span<const float>(x));
  };
  ir::ValueId x = b.Input("image", Shape{kBatch, 8, 8, 1});
  x = b.Conv2d(x,
               b.Variable("mean.filter", values({1, 4, 4, 1}, std::vector<float>(16, 1.0f / 16))),
               b.Variable("mean.bias", values({1}, {0})), {.strides = {4, 4}});
  x = b.Flatten(x);
  std::vector<float> identity(16, 0);
  for (size_t i = 0; i < 4; ++i) identity[5 * i] = 8;
  x = b.FullyConnected(x, b.Variable("head.filter", values({4, 4}, identity)),
                       b.Variable("head.bias", values({4}, {0, 0, 0, 0})));
  auto graph = b.Build({b.Name(b.Softmax(x), "probabilities")});
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  graph->mutable_metadata()["normalize"] = "unit";
  return *std::move(graph);
}

}  // namespace tersor::measure::testing
