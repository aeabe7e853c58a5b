// For the tests of training: small models and sets that they can learn.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tersor/base/progress.h"
#include "tersor/base/random.h"
#include "tersor/data/dataset.h"
#include "tersor/ir/builder.h"
#include "tersor/training/trainer.h"

namespace tersor::training::testing {

inline Result<Tensor> RandomWeights(Shape shape, uint64_t seed) {
  TERSOR_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create({DType::kF32, std::move(shape), {}}));
  Random random(seed, 1);
  for (float& x : tensor.mutable_values<float>()) x = 0.2f * random.NextNormal();
  return tensor;
}

inline Result<Tensor> Filled(int64_t count, float value) {
  return Tensor::FromValues<float>({DType::kF32, {count}, {}},
                                   std::vector<float>(static_cast<size_t>(count), value));
}

/// Pixels and class numbers of two classes of 8x8 images: a bright left or a bright right half,
/// under noise.
struct HalvesData {
  Tensor images, labels;
};
inline HalvesData MakeHalves(int64_t count, uint64_t seed) {
  HalvesData data{Tensor::Create({DType::kU8, {count, 8, 8, 1}, {}}).value(),
                  Tensor::Create({DType::kI32, {count}, {}}).value()};
  Random random(seed, 0);
  auto pixels = data.images.mutable_values<uint8_t>();
  for (int64_t i = 0; i < count; ++i) {
    const int label = static_cast<int>(random.NextBelow(2));
    data.labels.mutable_values<int32_t>()[static_cast<size_t>(i)] = label;
    for (int p = 0; p < 64; ++p) {
      const bool bright = (p % 8 >= 4) == (label == 1);
      pixels[static_cast<size_t>(i * 64 + p)] =
          static_cast<uint8_t>(random.NextBelow(120) + (bright ? 80 : 0));
    }
  }
  return data;
}

inline data::Dataset Halves(int64_t count, uint64_t seed) {
  HalvesData data = MakeHalves(count, seed);
  return data::DatasetInMemory(
             "halves", {{"image", std::move(data.images)}, {"label", std::move(data.labels)}},
             {"left", "right"})
      .value();
}

/// A model of Halves() with a batch norm and a dropout. `seed` is that of its weights.
inline ir::Graph SmallModel(uint64_t seed = 1) {
  ir::GraphBuilder b("small");
  ir::ValueId x = b.Input("image", Shape{kBatch, 8, 8, 1});
  x = b.Conv2d(x, b.Variable("conv.filter", RandomWeights({6, 3, 3, 1}, seed)),
               b.Variable("conv.bias", Filled(6, 0)), {.padding = ir::kSamePadding});
  x = b.Relu(x);
  x = b.BatchNorm(x, b.Variable("norm.scale", Filled(6, 1)),
                  b.Variable("norm.offset", Filled(6, 0)),
                  b.Variable("norm.mean", Filled(6, 0), false),
                  b.Variable("norm.variance", Filled(6, 1), false));
  x = b.MaxPool2d(x);
  x = b.Flatten(x);
  const ir::ValueId counter = b.Variable("counter", Tensor::Create({DType::kI64, {}, {}}), false);
  Attributes dropout;
  dropout.Set(Attr::rate, 0.2);
  x = b.Op(ir::OpKind::kDropout, {x, counter}, dropout);
  x = b.FullyConnected(x, b.Variable("dense.filter", RandomWeights({2, 96}, seed + 1)),
                       b.Variable("dense.bias", Filled(2, 0)));
  auto graph = b.Build({b.Softmax(x)});
  return std::move(graph).value();
}

inline TrainerOptions Options(int threads) {
  SetProgressMode(ProgressMode::kSilent);
  TrainerOptions options;
  options.epochs = 3;
  options.batch_size = 32;
  options.threads = threads;
  options.schedule.learning_rate = 0.05;
  options.augment.shift_pixels = 1;
  return options;
}

inline std::vector<float> ValuesOf(const ir::Graph& graph, std::string_view variable) {
  const ir::ValueId id = graph.FindVariable(variable);
  if (id == ir::kNoValue) return {};
  const auto values = graph.value(id).data().values<float>();
  return {values.begin(), values.end()};
}

}  // namespace tersor::training::testing
