// Data and models for the tests of this folder: made by formula, nothing is trained.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tersor/base/random.h"
#include "tersor/data/npy.h"
#include "tersor/formats/formats.h"
#include "tersor/ir/builder.h"

namespace tersor::guide {

inline constexpr int64_t kSide = 8;

/// One split of a folder of arrays: `count` images, bright on the left (class 0) or on the right
/// (class 1) by 25 of `noise` + 25 levels. `label_of` says what the label of an image is, given its
/// class and its index; where it is empty, the class.
inline void WriteSplit(const std::string& folder, const std::string& split, int64_t count,
                       uint64_t seed, uint32_t noise = 230,
                       const std::function<int32_t(int32_t, int64_t)>& label_of = {}) {
  Tensor images = Tensor::Create({DType::kU8, {count, kSide, kSide, 1}, {}}).value();
  Tensor labels = Tensor::Create({DType::kI32, {count}, {}}).value();
  Random random(seed, 0);
  auto pixels = images.mutable_values<uint8_t>();
  for (int64_t i = 0; i < count; ++i) {
    const auto side = static_cast<int32_t>(i % 2);
    labels.mutable_values<int32_t>()[static_cast<size_t>(i)] = label_of ? label_of(side, i) : side;
    for (int64_t p = 0; p < kSide * kSide; ++p) {
      const bool bright = (p % kSide >= kSide / 2) == (side == 1);
      pixels[static_cast<size_t>(i * kSide * kSide + p)] =
          static_cast<uint8_t>(random.NextBelow(noise) + (bright ? 25 : 0));
    }
  }
  ASSERT_TRUE(data::WriteNpy(folder + "/x_" + split + ".npy", images.view()).ok());
  ASSERT_TRUE(data::WriteNpy(folder + "/y_" + split + ".npy", labels.view()).ok());
}

/// Convolution, relu and a layer that tells the left half from the right one. `right`: the class of
/// an image that is bright on the right.
inline ir::Graph HalvesModel(int64_t channels, uint64_t seed, int right = 1) {
  Random random(seed, 1);
  std::vector<float> filter(static_cast<size_t>(channels * 9)), bias(filter.size() / 9, 1.5f);
  for (float& x : filter) x = 0.1f + 0.02f * random.NextNormal();
  std::vector<float> dense;
  for (int label = 0; label < 2; ++label) {
    for (int64_t at = 0; at < kSide * kSide * channels; ++at) {
      const bool on_right = at / channels % kSide >= kSide / 2;
      dense.push_back((on_right == (label == right) ? 0.01f : -0.01f) +
                      0.002f * random.NextNormal());
    }
  }
  ir::GraphBuilder b("halves");
  auto variable = [&](const char* name, Shape shape, const std::vector<float>& values) {
    return b.Variable(name, Tensor::FromValues<float>({DType::kF32, std::move(shape), {}}, values));
  };
  ir::ValueId x = b.Input("image", Shape{kBatch, kSide, kSide, 1});
  x = b.Relu(b.Conv2d(x, variable("conv.filter", {channels, 3, 3, 1}, filter),
                      variable("conv.bias", {channels}, bias), {.padding = ir::kSamePadding}));
  x = b.FullyConnected(b.Flatten(x),
                       variable("dense.filter", {2, kSide * kSide * channels}, dense));
  auto graph = b.Build({b.Name(x, "logits")});
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return std::move(graph).value();
}

inline void WriteModel(const std::string& path, int64_t channels, uint64_t seed, int right = 1) {
  ASSERT_TRUE(formats::ExportModel(HalvesModel(channels, seed, right), path).ok());
}

}  // namespace tersor::guide
