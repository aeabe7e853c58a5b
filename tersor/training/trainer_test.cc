#include "tersor/training/trainer.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tersor/base/progress.h"
#include "tersor/base/random.h"
#include "tersor/ir/builder.h"
#include "tersor/ir/text.h"

namespace tersor::training {
namespace {

// Two classes of 8x8 images: a bright left or a bright right half, under noise.
data::Dataset Halves(int64_t count, uint64_t seed) {
  Tensor images = Tensor::Create({DType::kU8, {count, 8, 8, 1}, {}}).value();
  Tensor labels = Tensor::Create({DType::kI32, {count}, {}}).value();
  Random random(seed, 0);
  auto pixels = images.mutable_values<uint8_t>();
  for (int64_t i = 0; i < count; ++i) {
    const int label = static_cast<int>(random.NextBelow(2));
    labels.mutable_values<int32_t>()[static_cast<size_t>(i)] = label;
    for (int p = 0; p < 64; ++p) {
      const bool bright = (p % 8 >= 4) == (label == 1);
      pixels[static_cast<size_t>(i * 64 + p)] =
          static_cast<uint8_t>(random.NextBelow(120) + (bright ? 80 : 0));
    }
  }
  return data::DatasetInMemory("halves", {{"image", images}, {"label", labels}}, {"left", "right"})
      .value();
}

ir::Graph SmallModel() {
  ir::GraphBuilder b("small");
  auto random = [](Shape shape, uint64_t seed) -> Result<Tensor> {
    TERSOR_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create({DType::kF32, std::move(shape), {}}));
    Random r(seed, 1);
    for (float& x : tensor.mutable_values<float>()) x = 0.2f * r.NextNormal();
    return tensor;
  };
  auto ones = [](int64_t n, float value) -> Result<Tensor> {
    return Tensor::FromValues<float>({DType::kF32, {n}, {}},
                                     std::vector<float>(static_cast<size_t>(n), value));
  };
  ir::ValueId x = b.Input("image", Shape{kBatch, 8, 8, 1});
  x = b.Conv2d(x, b.Variable("conv.filter", random({6, 3, 3, 1}, 1)),
               b.Variable("conv.bias", ones(6, 0)), {.padding = ir::kSamePadding});
  x = b.Relu(x);
  x = b.BatchNorm(x, b.Variable("norm.scale", ones(6, 1)), b.Variable("norm.offset", ones(6, 0)),
                  b.Variable("norm.mean", ones(6, 0), false),
                  b.Variable("norm.variance", ones(6, 1), false));
  x = b.MaxPool2d(x);
  x = b.Flatten(x);
  const ir::ValueId counter = b.Variable("counter", Tensor::Create({DType::kI64, {}, {}}), false);
  Attributes dropout;
  dropout.Set(Attr::rate, 0.2);
  x = b.Op(ir::OpKind::kDropout, {x, counter}, dropout);
  x = b.FullyConnected(x, b.Variable("dense.filter", random({2, 96}, 2)),
                       b.Variable("dense.bias", ones(2, 0)));
  auto graph = b.Build({b.Softmax(x)});
  return std::move(graph).value();
}

TrainerOptions Options(int threads) {
  SetProgressMode(ProgressMode::kSilent);
  TrainerOptions options;
  options.epochs = 3;
  options.batch_size = 32;
  options.threads = threads;
  options.schedule.learning_rate = 0.05;
  options.augment.shift_pixels = 1;
  return options;
}

std::string TrainedText(const TrainerOptions& options, double* accuracy = nullptr) {
  ir::Graph model = SmallModel();
  auto history = Train(model, Halves(512, 1), Halves(256, 2), options);
  EXPECT_TRUE(history.ok()) << history.status().message();
  if (history.ok() && !history->empty() && accuracy != nullptr) {
    *accuracy = history->back().validation_accuracy;
  }
  return ir::Print(model, {.data = true});
}

TEST(Trainer, Learns) {
  double accuracy = 0;
  TrainedText(Options(1), &accuracy);
  EXPECT_GT(accuracy, 0.97);
}

TEST(Trainer, TheSameSeedGivesTheSameWeights) {
  for (int threads : {1, 2}) {
    EXPECT_EQ(TrainedText(Options(threads)), TrainedText(Options(threads))) << threads;
  }
  TrainerOptions other = Options(1);
  other.seed = 2;
  EXPECT_NE(TrainedText(Options(1)), TrainedText(other));
}

TEST(Trainer, ABrokenRunGoesOnToTheSameWeights) {
  for (int threads : {1, 2}) {
    TrainerOptions options = Options(threads);
    const std::string whole = TrainedText(options);
    options.checkpoint_path = testing::TempDir() + "/tersor_trainer_test.tersor";
    std::remove(options.checkpoint_path.c_str());
    options.checkpoint_steps = 5;
    options.stop_after_steps = 23;  // in the second epoch, three steps behind a checkpoint
    TrainedText(options);
    options.stop_after_steps = 0;
    options.resume = true;
    EXPECT_EQ(TrainedText(options), whole) << threads;
  }
}

TEST(Trainer, RefusesACheckpointOfOtherOptions) {
  TrainerOptions options = Options(1);
  options.checkpoint_path = testing::TempDir() + "/tersor_trainer_other.tersor";
  options.epochs = 1;
  TrainedText(options);
  options.seed = 5;
  options.resume = true;
  ir::Graph model = SmallModel();
  auto history = Train(model, Halves(64, 1), {}, options);
  EXPECT_NE(history.status().message().find("other options"), std::string::npos)
      << history.status().message();
}

TEST(Trainer, EveryOptimizerAndScheduleLearns) {
  for (auto optimizer : {OptimizerKind::kSgd, OptimizerKind::kAdam, OptimizerKind::kAdamW}) {
    for (auto schedule : {ScheduleKind::kStep, ScheduleKind::kPlateau}) {
      TrainerOptions options = Options(1);
      options.step.optimizer.kind = optimizer;
      options.step.optimizer.weight_decay = 1e-4;
      options.schedule.kind = schedule;
      if (optimizer != OptimizerKind::kSgd) options.schedule.learning_rate = 0.005;
      double accuracy = 0;
      TrainedText(options, &accuracy);
      EXPECT_GT(accuracy, 0.95) << OptionName(optimizer) << ' ' << OptionName(schedule);
    }
  }
}

TEST(Trainer, RefusesWhatMakesNoSense) {
  ir::Graph model = SmallModel();
  TrainerOptions options = Options(1);
  options.batch_size = 33;
  options.threads = 2;
  EXPECT_FALSE(Train(model, Halves(64, 1), {}, options).ok());
  options = Options(1);
  const data::Dataset wrong =
      data::DatasetInMemory("wrong",
                            {{"image", Tensor::Create({DType::kU8, {64, 4, 4, 1}, {}}).value()},
                             {"label", Tensor::Create({DType::kI32, {64}, {}}).value()}})
          .value();
  EXPECT_FALSE(Train(model, wrong, {}, options).ok());
}

TEST(Schedule, RatesOfEachKind) {
  ScheduleOptions options{.kind = ScheduleKind::kCosine, .learning_rate = 1};
  EXPECT_NEAR(Schedule(options, 100).RateAt(50), 0.5, 1e-12);
  options.warmup_steps = 10;
  EXPECT_NEAR(Schedule(options, 100).RateAt(4), 0.5, 1e-12);
  options = {.kind = ScheduleKind::kStep, .learning_rate = 1};
  EXPECT_NEAR(Schedule(options, 100).RateAt(80), 0.01, 1e-12);
  options = {.kind = ScheduleKind::kPlateau, .learning_rate = 1, .patience = 2};
  Schedule plateau(options, 100);
  for (double loss : {1.0, 1.0, 1.0}) plateau.EndEpoch(loss);
  EXPECT_NEAR(plateau.RateAt(3), 0.1, 1e-12);
  Schedule restored(options, 100);
  ASSERT_TRUE(restored.Restore(plateau.Save()).ok());
  EXPECT_EQ(restored.RateAt(3), plateau.RateAt(3));
}

}  // namespace
}  // namespace tersor::training
