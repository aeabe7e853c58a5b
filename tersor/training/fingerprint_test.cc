#include "tersor/training/fingerprint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <functional>

#include "tersor/base/cpu.h"

namespace tersor::training {
namespace {

using ::testing::HasSubstr;

data::Dataset Set(std::vector<uint8_t> pixels, std::vector<int32_t> labels) {
  const auto count = static_cast<int64_t>(labels.size());
  Tensor images =
      Tensor::FromValues<uint8_t>({DType::kU8, {count, 2, 1, 1}, {}}, std::span(pixels)).value();
  Tensor numbers =
      Tensor::FromValues<int32_t>({DType::kI32, {count}, {}}, std::span(labels)).value();
  return data::DatasetInMemory("small", {{"image", images}, {"label", numbers}}).value();
}

struct Hook : StepHook {
  std::string_view name() const override { return "mask"; }
  std::string options() const override { return text; }
  std::string text = "every 10";
};

struct Case {
  TrainerOptions options;
  ir::Graph step{"step"};
  Hook hook;
  data::Dataset train = Set({1, 2, 3, 4}, {0, 1});
  data::Dataset validation = Set({5, 6}, {1});
};

std::string FingerprintOf(const std::function<void(Case&)>& change) {
  Case run;
  run.options.schedule.kind = ScheduleKind::kStep;
  run.options.hooks = {&run.hook};
  change(run);
  auto fingerprint = RunFingerprint(run.options, run.step, run.train, run.validation);
  EXPECT_TRUE(fingerprint.ok()) << fingerprint.status().message();
  return fingerprint.ok() ? *fingerprint : "";
}

TEST(Fingerprint, HoldsAllThatDecidesBits) {
  const std::string before = FingerprintOf([](Case&) {});
  const std::pair<const char*, std::function<void(Case&)>> kChanges[] = {
      {"epochs was 10 and is 11", [](Case& r) { r.options.epochs = 11; }},
      {"batch_size was 128 and is 64", [](Case& r) { r.options.batch_size = 64; }},
      {"seed was 1 and is 2", [](Case& r) { r.options.seed = 2; }},
      {"threads was 1 and is 2", [](Case& r) { r.options.threads = 2; }},
      {"beta1 had no meaning and is 0.9",
       [](Case& r) { r.options.step.optimizer.kind = OptimizerKind::kAdam; }},
      {"momentum was 0.9 and is 0.91", [](Case& r) { r.options.step.optimizer.momentum = 0.91; }},
      {"learning_rate was 0.1 and is 0.10000000000000002",
       [](Case& r) { r.options.schedule.learning_rate = std::nextafter(0.1, 1); }},
      {"boundaries was 0.5,0.75 and is 0.5",
       [](Case& r) { r.options.schedule.boundaries = {0.5}; }},
      {"batch_norm_momentum was 0.99 and is 0.9",
       [](Case& r) { r.options.step.batch_norm_momentum = 0.9; }},
      {"fill was zero and is edge",
       [](Case& r) { r.options.augment.fill = data::AugmentOptions::Fill::kEdge; }},
      {"shift_pixels was 0 and is 2", [](Case& r) { r.options.augment.shift_pixels = 2; }},
      {"normalize was signed and is raw",
       [](Case& r) { r.options.normalize = data::Normalize::kRaw; }},
      {"losses was 1 cross_entropy(, label) and is 0.5 cross_entropy(, label)",
       [](Case& r) { r.options.losses[0].weight = 0.5; }},
      {"losses was 1 cross_entropy(, label) and is 1 mse(, label)",
       [](Case& r) { r.options.losses[0].loss = "mse"; }},
      {"loss was cross_entropy and is mse",
       [](Case& r) { r.options.step.loss = LossKind::kMeanSquaredError; }},
      {"losses was 1 cross_entropy(, label) and is 1 cross_entropy(y, soft)",
       [](Case& r) {
         r.options.losses[0].prediction = "y";
         r.options.losses[0].target = "soft";
       }},
      {"hooks was mask(every 10) and is mask(every 5)", [](Case& r) { r.hook.text = "every 5"; }},
      {"hooks was mask(every 10) and is ", [](Case& r) { r.options.hooks.clear(); }},
      {"graphs was  and is teacher hash",
       [](Case& r) { r.options.graphs = {{.name = "teacher", .graph = &r.step}}; }},
      {"step was hash ",
       [](Case& r) {
         r.step.AddInput("x", {DType::kF32, {kBatch}, {}});
       }},
      {"data was small, 2 examples",
       [](Case& r) {
         r.train = Set({1, 2, 3, 5}, {0, 1});
       }},
      {"data was small, 2 examples",
       [](Case& r) {
         r.train = Set({1, 2, 3, 4}, {0, 0});
       }},
      {"validation was small, 1 examples",
       [](Case& r) {
         r.validation = Set({5, 7}, {1});
       }},
      {" and is none", [](Case& r) { r.validation = {}; }},
  };
  for (const auto& [difference, change] : kChanges) {
    EXPECT_THAT(CompareFingerprints(before, FingerprintOf(change)).message(),
                HasSubstr(difference));
  }
}

TEST(Fingerprint, HoldsTheCpuLevel) {
  const char* level = std::getenv("TERSOR_CPU");
  const std::string before = level == nullptr ? "" : level;
  const std::string fast = FingerprintOf([](Case&) {});
  ::setenv("TERSOR_CPU", "reference", 1);
  const std::string slow = FingerprintOf([](Case&) {});
  before.empty() ? ::unsetenv("TERSOR_CPU") : ::setenv("TERSOR_CPU", before.c_str(), 1);
  EXPECT_THAT(slow, HasSubstr("cpu reference\n"));
  if (CpuFeatures::Detect().best() != CpuLevel::kAny) {
    EXPECT_THAT(CompareFingerprints(fast, slow).message(), HasSubstr("and is reference"));
  }
}

TEST(Fingerprint, IgnoresWhatDoesNotDecideBits) {
  const std::string before = FingerprintOf([](Case&) {});
  const std::function<void(Case&)> kChanges[] = {
      [](Case& r) { r.options.checkpoint_path = "elsewhere"; },
      [](Case& r) { r.options.checkpoint_steps = 5; },
      [](Case& r) { r.options.resume = true; },
      [](Case& r) { r.options.step.optimizer.beta1 = 0.5; },  // of another optimizer
      [](Case& r) { r.options.schedule.patience = 9; },       // of another schedule
  };
  for (const auto& change : kChanges) {
    EXPECT_TRUE(CompareFingerprints(before, FingerprintOf(change)).ok());
  }
}

TEST(Fingerprint, OneOfTheFirstVersionIsComparedInWhatItHolds) {
  const std::string now = FingerprintOf([](Case& c) {
    c.options.step.optimizer.weight_decay = 1.0 / 3;
    c.options.augment.flip = true;
  });
  const std::string before =
      "data small 2; epochs 10; batch 128; threads 1; seed 1; optimizer sgd 0.9 1 0.9 0.999 1e-07 "
      "0.333333; label smoothing 0; schedule step 0.1 0 0.1 0 5; normalize signed; flip 1; shift 0";
  EXPECT_EQ(CompareFingerprints(before, now).message(), "");
  const struct {
    std::string text, other;
    const char* message;
  } kRows[] = {
      {"small 2;", "large 2;", "data was large, 2 examples and is small, 2 examples"},
      {"small 2;", "small 3;", "data was small, 3 examples"},
      {"epochs 10", "epochs 11", "epochs was 11 and is 10"},
      {"batch 128", "batch 64", "batch_size was 64 and is 128"},
      {"threads 1", "threads 2", "threads was 2 and is 1"},
      {"seed 1", "seed 2", "seed was 2 and is 1"},
      {"sgd 0.9 1", "sgd 0.9 0", "nesterov was 0 and is true"},
      {"0.333333", "0.333334", "weight_decay was 0.333334 and is 0.3333333333333333"},
      {"label smoothing 0", "label smoothing 0.1", "label_smoothing was 0.1 and is 0"},
      {"step 0.1 0 0.1", "step 0.1 0 0.2", "factor was 0.2 and is 0.1"},
      {"normalize signed", "normalize raw", "normalize was raw and is signed"},
      {"flip 1", "flip 0", "flip was 0 and is true"},
      {"shift 0", "shift 1", "shift_pixels was 1 and is 0"},
  };
  for (const auto& row : kRows) {
    std::string changed = before;
    changed.replace(changed.find(row.text), row.text.size(), row.other);
    EXPECT_THAT(CompareFingerprints(changed, now).message(), HasSubstr(row.message));
  }
}

}  // namespace
}  // namespace tersor::training
