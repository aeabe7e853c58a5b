#include "tersor/training/trainer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

#include "tersor/ir/text.h"
#include "tersor/kernels/thread_collective.h"
#include "tersor/measure/accuracy.h"
#include "tersor/runtime/executable.h"
#include "tersor/training/training_testing.h"
#include "tersor/transforms/pass.h"

namespace tersor::training {
namespace {

using testing::Halves;
using testing::Options;
using testing::SmallModel;
using testing::ValuesOf;

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
    options.checkpoint_path = ::testing::TempDir() + "/tersor_trainer_test.tersor";
    std::remove(options.checkpoint_path.c_str());
    options.checkpoint_steps = 5;
    options.stop_after_steps = 23;  // in the second epoch, three steps behind a checkpoint
    TrainedText(options);
    options.stop_after_steps = 0;
    options.resume = true;
    EXPECT_EQ(TrainedText(options), whole) << threads;
  }
}

// A caller who stops the training loses nothing, whether a step or an epoch has just ended.
TEST(Trainer, AStoppedRunGoesOnToTheSameWeights) {
  TrainerOptions options = Options(1);
  ir::Graph whole = SmallModel();
  ASSERT_TRUE(Train(whole, Halves(64, 1), {}, options).ok());
  options.checkpoint_path = ::testing::TempDir() + "/tersor_trainer_stopped.tersor";
  for (bool at_once : {true, false}) {
    std::remove(options.checkpoint_path.c_str());
    std::atomic<bool> stop = at_once;
    options.stop = &stop;
    options.on_epoch = [&](const EpochMetrics&) {
      stop = true;
      return OkStatus();
    };
    options.resume = false;
    ir::Graph model = SmallModel();
    const auto history = Train(model, Halves(64, 1), {}, options);
    EXPECT_EQ(history.status().message().substr(0, 20),
              at_once ? "stopped after step 1" : "stopped after step 2")
        << history.status().message();
    EXPECT_NE(history.status().message().find("; the state is kept in " + options.checkpoint_path),
              std::string::npos);
    options.stop = nullptr;
    options.on_epoch = nullptr;
    options.resume = true;
    model = SmallModel();
    ASSERT_TRUE(Train(model, Halves(64, 1), {}, options).ok());
    EXPECT_EQ(ir::Print(model, {.data = true}), ir::Print(whole, {.data = true}));
  }
}

TEST(Trainer, RefusesACheckpointOfOtherOptions) {
  TrainerOptions options = Options(1);
  options.checkpoint_path = ::testing::TempDir() + "/tersor_trainer_other.tersor";
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
  const data::Dataset unlabelled =
      data::DatasetInMemory("unlabelled", {{"image", testing::MakeHalves(64, 1).images}}).value();
  EXPECT_EQ(Train(model, unlabelled, {}, options).status().message(),
            "the training reads a field 'label', which data set unlabelled does not have");
}

// Classes that are the other way round, so that the loss rises while the training learns.
data::Dataset Inverted(int64_t count, uint64_t seed) {
  testing::HalvesData data = testing::MakeHalves(count, seed);
  for (int32_t& label : data.labels.mutable_values<int32_t>()) label = 1 - label;
  return data::DatasetInMemory("inverted", {{"image", data.images}, {"label", data.labels}})
      .value();
}

std::vector<EpochMetrics> TrainOn(ir::Graph& model, const data::Dataset& validation,
                                  const TrainerOptions& options) {
  auto history = Train(model, Halves(512, 1), validation, options);
  EXPECT_TRUE(history.ok()) << history.status().message();
  return history.ok() ? *history : std::vector<EpochMetrics>();
}

TEST(Trainer, AResumedRunKeepsThePlateauAndTheLossOfItsEpoch) {
  // The first epoch sets the best loss; the next two do not gain, and then the rate falls.
  TrainerOptions options = Options(1);
  options.epochs = 5;
  options.schedule.kind = ScheduleKind::kPlateau;
  options.schedule.patience = 2;
  options.schedule.factor = 0.25;
  const data::Dataset validation = Inverted(64, 3);
  ir::Graph whole = SmallModel();
  const auto expected = TrainOn(whole, validation, options);
  ASSERT_EQ(expected.size(), 5u);
  EXPECT_EQ(expected[2].learning_rate, 0.05);
  EXPECT_EQ(expected[3].learning_rate, 0.0125);
  EXPECT_GT(expected[1].validation_loss, expected[0].validation_loss);

  options.checkpoint_path = ::testing::TempDir() + "/tersor_trainer_plateau.tersor";
  options.checkpoint_steps = 5;
  for (int64_t kill : {37, 53}) {  // in the third and in the fourth of 16 steps each
    std::remove(options.checkpoint_path.c_str());
    ir::Graph broken = SmallModel();
    options.stop_after_steps = kill;
    options.resume = false;
    TrainOn(broken, validation, options);
    options.stop_after_steps = 0;
    options.resume = true;
    broken = SmallModel();
    const auto history = TrainOn(broken, validation, options);
    EXPECT_EQ(ir::Print(broken, {.data = true}), ir::Print(whole, {.data = true})) << kill;
    const size_t done = 5 - history.size();
    for (size_t i = 0; i < history.size(); ++i) {
      EXPECT_EQ(history[i].loss, expected[done + i].loss) << kill;
      EXPECT_EQ(history[i].accuracy, expected[done + i].accuracy) << kill;
      EXPECT_EQ(history[i].learning_rate, expected[done + i].learning_rate) << kill;
    }
  }
}

TEST(Trainer, EachStepUsesItsOwnRate) {
  const auto filter_after = [](ScheduleOptions schedule, int64_t steps) {
    TrainerOptions options = Options(1);
    options.epochs = 1;
    options.batch_size = 64;  // two steps
    options.stop_after_steps = steps;
    options.step.optimizer.momentum = 0;
    options.schedule = std::move(schedule);
    ir::Graph model = SmallModel();
    EXPECT_TRUE(Train(model, Halves(128, 1), {}, options).ok());
    return ValuesOf(model, "conv.filter");
  };
  ScheduleOptions falls{.kind = ScheduleKind::kStep, .learning_rate = 0.5};
  falls.boundaries = {0.5};
  falls.factor = 1e-30;  // the second step changes nothing
  EXPECT_EQ(filter_after(falls, 2), filter_after(falls, 1));
  ScheduleOptions rises{.kind = ScheduleKind::kConstant, .learning_rate = 0.5, .warmup_steps = 2};
  ScheduleOptions half{.kind = ScheduleKind::kConstant, .learning_rate = 0.25};
  EXPECT_EQ(filter_after(rises, 1), filter_after(half, 1));
  EXPECT_NE(filter_after(rises, 2), filter_after(half, 2));
}

TEST(Trainer, ValidationIsTheLossAndAccuracyInInferenceMode) {
  // A rate of 1e-30 changes no weight, so the model of the end is that of the validation.
  TrainerOptions options = Options(1);
  options.schedule = {.kind = ScheduleKind::kConstant, .learning_rate = 1e-30};
  options.epochs = 1;
  const data::Dataset set = Halves(100, 4);  // six batches of 16 examples and one of four
  ir::Graph model = SmallModel();
  const auto history = TrainOn(model, set, options);
  auto accuracy = measure::MeasureAccuracy(model, set);
  ASSERT_TRUE(accuracy.ok()) << accuracy.status().message();
  EXPECT_TRUE(history[0].validated);
  EXPECT_EQ(history[0].validation_accuracy, accuracy->top1());

  auto prepared = transforms::PrepareForInference(model);
  ASSERT_TRUE(prepared.ok());
  const testing::HalvesData halves = testing::MakeHalves(100, 4);
  Tensor images = Tensor::Create({DType::kF32, {100, 8, 8, 1}, {}}).value();
  for (size_t i = 0; i < 6400; ++i) {
    images.mutable_values<float>()[i] =
        data::NormalizePixel(halves.images.values<uint8_t>()[i], options.normalize);
  }
  runtime::CompileOptions compile;
  compile.batch = 100;
  auto outputs = runtime::RunOnce(*prepared, std::span(&images, 1), compile);
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  double loss = 0;
  for (size_t i = 0; i < 100; ++i) {
    const auto label = static_cast<size_t>(halves.labels.values<int32_t>()[i]);
    loss -= std::log((*outputs)[0].values<float>()[2 * i + label]);
  }
  EXPECT_NEAR(history[0].validation_loss, loss / 100, 1e-5);

  options.threads = 2;
  model = SmallModel();
  EXPECT_NEAR(TrainOn(model, set, options)[0].validation_loss, loss / 100, 1e-5);
}

TEST(Trainer, MeetsWhereTheCallerSays) {
  class Counting : public kernels::Collective {
   public:
    explicit Counting(int size) : Collective(size), threads_(size) {}
    void Barrier() override {
      ++barriers;
      threads_.Barrier();
    }
    void Sum(int shard, const float* input, float* result, int64_t count) override {
      threads_.Sum(shard, input, result, count);
    }
    void Publish(int shard, std::span<const std::byte> bytes) override {
      threads_.Publish(shard, bytes);
    }
    std::span<const std::byte> Published(int shard) const override {
      return threads_.Published(shard);
    }
    std::atomic<int> barriers{0};

   private:
    kernels::ThreadCollective threads_;
  };
  TrainerOptions options = Options(2);
  const std::string expected = TrainedText(options);
  Counting collective(2);
  options.collective = &collective;
  EXPECT_EQ(TrainedText(options), expected);
  // 3 epochs of 16 steps, each with two barriers; one more ends the threads.
  EXPECT_EQ(collective.barriers, 2 * (3 * 16 * 2 + 1));
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

TEST(Schedule, TheCosineBeginsAfterTheWarmUpAndEndsAtTheFloor) {
  const ScheduleOptions options{
      .kind = ScheduleKind::kCosine, .learning_rate = 1, .warmup_steps = 10, .floor = 0.2};
  const Schedule schedule(options, 110);
  EXPECT_NEAR(schedule.RateAt(0), 0.1, 1e-12);
  EXPECT_NEAR(schedule.RateAt(9), 1, 1e-12);
  EXPECT_NEAR(schedule.RateAt(10), 1, 1e-12);
  EXPECT_NEAR(schedule.RateAt(60), 0.6, 1e-12);
  EXPECT_NEAR(schedule.RateAt(110), 0.2, 1e-12);
}

TEST(Schedule, ThePlateauStopsAtItsFloor) {
  const ScheduleOptions options{.kind = ScheduleKind::kPlateau,
                                .learning_rate = 1,
                                .factor = 0.1,
                                .floor = 0.05,
                                .patience = 1};
  Schedule schedule(options, 100);
  for (double loss : {1.0, 1.0}) schedule.EndEpoch(loss);
  EXPECT_NEAR(schedule.RateAt(3), 0.1, 1e-12);
  schedule.EndEpoch(1.0);
  EXPECT_NEAR(schedule.RateAt(3), 0.05, 1e-12);
}

TEST(Schedule, ThePlateauWatchesTheValidationLossWhereThereIsOne) {
  const ScheduleOptions options{
      .kind = ScheduleKind::kPlateau, .learning_rate = 1, .factor = 0.1, .patience = 1};
  const auto rate_after = [&](bool validated) {
    Schedule schedule(options, 100);
    for (double epoch : {0.0, 1.0}) {  // the training's loss falls, that of validation does not
      EpochMetrics metrics;
      metrics.validated = validated;
      metrics.loss = 1 - epoch / 2;
      metrics.validation_loss = 1 + epoch;
      EXPECT_TRUE(schedule.AfterEpoch(metrics).ok());
    }
    return schedule.RateAt(0);
  };
  EXPECT_NEAR(rate_after(true), 0.1, 1e-12);
  EXPECT_NEAR(rate_after(false), 1, 1e-12);
}

}  // namespace
}  // namespace tersor::training
