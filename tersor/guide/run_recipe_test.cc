#include "tersor/guide/run_recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "tersor/base/file.h"
#include "tersor/base/progress.h"
#include "tersor/data/image.h"
#include "tersor/guide/class_names.h"
#include "tersor/guide/guide_testing.h"
#include "tersor/ir/text.h"

namespace tersor::guide {
namespace {

using compression::Technique;
using compression::TechniqueContext;
using compression::TechniqueReport;
using compression::TechniqueSettings;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RunRecipeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SetProgressMode(ProgressMode::kSilent);
    std::string pattern = ::testing::TempDir() + "tersor_recipe_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    WriteSplit(root_, "train", 128, 1);
    WriteSplit(root_, "val", 40, 2);
    // Whoever reads the test split fails.
    splits_.emplace(root_, 1);
    run_.splits = &*splits_;
    run_.on_epoch = [this](const RecipeEpoch& epoch) {
      epochs_ += !epoch.again;
      told_.push_back(epoch.number);
      return OkStatus();
    };
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  static Recipe Parse(const std::string& yaml) {
    auto recipes = ParseRecipes(yaml);
    EXPECT_TRUE(recipes.ok()) << recipes.status().message();
    return recipes.ok() ? recipes->front() : Recipe();
  }

  std::string root_;
  std::optional<Splits> splits_;
  RecipeRun run_;
  int epochs_ = 0;             ///< that were trained
  std::vector<int64_t> told_;  ///< numbers of the epochs that were told
  const ir::Graph model_ = HalvesModel(4, 1);
};

TEST_F(RunRecipeTest, WithoutStepsItIsTheModel) {
  const auto result = RunRecipe(&model_, Recipe(), run_);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(ir::Print(result->graph, {.data = true}), ir::Print(model_, {.data = true}));
  EXPECT_TRUE(result->steps.empty());
  EXPECT_FALSE(RunRecipe(nullptr, Recipe(), run_).ok());
}

// A model that is trained on named classes keeps the names, also through later steps.
TEST_F(RunRecipeTest, ClassNamesOfTheDataStayWithTheModel) {
  const std::string folder = root_ + "/named";
  constexpr data::ImageSize kSize{8, 8, 1};
  for (const char* split : {"train", "validation"}) {
    for (const char* name : {"cat", "dog"}) {
      const std::string path = StrCat(folder, '/', split, '/', name);
      ASSERT_TRUE(CreateDirectories(path).ok());
      for (int i = 0; i < 8; ++i) {
        const std::vector<uint8_t> pixels(64, static_cast<uint8_t>(name[0] == 'c' ? i : 255 - i));
        const std::string jpeg = data::EncodeJpeg(pixels, kSize, 100).value();
        ASSERT_TRUE(WriteFileAtomically(StrCat(path, '/', i, ".jpg"), jpeg).ok());
      }
    }
  }
  splits_.emplace(folder, 1);
  const auto result =
      RunRecipe(nullptr,
                Parse("steps: [{train: {family: survey-cnn, width: 0.05, epochs: 1, "
                      "batch_size: 8}}, {quantize: {calibration_examples: 8}}]"),
                run_);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_THAT(ClassNamesOf(result->graph), ElementsAre("cat", "dog"));
}

TEST_F(RunRecipeTest, StepsFollowEachOther) {
  const auto result =
      RunRecipe(&model_,
                Parse("steps: [{finetune: {epochs: 2, batch_size: 32, learning_rate: 0.001}}, "
                      "{quantize: {calibration_examples: 50}}]"),
                run_);
  ASSERT_TRUE(result.ok()) << result.status().message();
  ASSERT_EQ(result->steps.size(), 2u);
  const StepReport& trained = result->steps[0];
  const StepReport& quantized = result->steps[1];
  EXPECT_EQ(trained.label, "finetune epochs=2 batch_size=32 learning_rate=0.001");
  EXPECT_EQ(trained.epochs.size(), 2u);
  EXPECT_GT(trained.epochs[1].validation_accuracy, 0.8);
  EXPECT_EQ(trained.calibration_examples, 0);
  EXPECT_EQ(quantized.label, "full-integer mse 50 examples");
  EXPECT_EQ(quantized.calibration_examples, 50);
  EXPECT_EQ(quantized.technique.changed.size(), 3u);
  EXPECT_EQ(result->graph.value(result->graph.inputs()[0]).type().dtype, DType::kI8);
  EXPECT_EQ(epochs_, 2);
}

TEST_F(RunRecipeTest, TrainingOnValidationReadsBoth) {
  run_.train_on_validation = true;
  const Recipe recipe = Parse("steps: [{finetune: {epochs: 1, batch_size: 168}}]");
  const auto result = RunRecipe(&model_, recipe, run_);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(result->steps[0].epochs[0].validation_accuracy, 0) << "nothing is left to validate on";
  run_.train_on_validation = false;
  EXPECT_FALSE(RunRecipe(&model_, recipe, run_).ok()) << "128 examples are no batch of 168";
}

TEST_F(RunRecipeTest, TrainMakesANewModel) {
  const auto result =
      RunRecipe(nullptr, Parse("steps: [{train: {width: 0.05, epochs: 1, batch_size: 32}}]"), run_);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(result->graph.name(), "survey_cnn");
  EXPECT_EQ(result->graph.value(result->graph.inputs()[0]).type().ToString(), "f32[N,8,8,1]");
  EXPECT_THAT(
      RunRecipe(nullptr, Parse("steps: [{train: {family: resnet}}]"), run_).status().message(),
      HasSubstr("no family is called 'resnet'"));
}

TEST_F(RunRecipeTest, TheSeedDecidesTheFirstWeights) {
  // At this learning rate a trained weight is the first one.
  auto weight = [&](const char* seed) {
    const auto result =
        RunRecipe(nullptr,
                  Parse(StrCat("steps: [{train: {width: 0.05, epochs: 1, batch_size: 128, "
                               "learning_rate: 1e-9, seed: ",
                               seed, "}}]")),
                  run_);
    EXPECT_TRUE(result.ok()) << result.status().message();
    if (!result.ok()) return 0.0f;
    return result->graph.value(result->graph.FindVariable("conv1.filter"))
        .data()
        .values<float>()[0];
  };
  const float first = weight("1");
  EXPECT_EQ(weight("1"), first);
  EXPECT_GT(std::abs(weight("2") - first), 1e-4f);
}

TEST_F(RunRecipeTest, CommonStepsAreDoneOnce) {
  RecipeRunner runner(run_);
  const std::string tuned = "{finetune: {epochs: 1, batch_size: 32}}";
  auto kind = [&](const std::string& steps, const char* kind) {
    const auto result =
        runner.Run(&model_, Parse(StrCat("steps: [", steps, ", {quantize: {kind: ", kind, "}}]")));
    ASSERT_TRUE(result.ok()) << result.status().message();
    EXPECT_EQ(result->steps.size(), 2u) << "the report has the common steps, too";
  };
  kind(tuned, "float16");
  EXPECT_EQ(epochs_, 1);
  kind(tuned, "full-integer");
  EXPECT_EQ(epochs_, 1) << "the tuned model is there already";
  kind("{finetune: {epochs: 2, batch_size: 32}}", "float16");
  EXPECT_EQ(epochs_, 3) << "other steps";
  kind(tuned, "float16");
  EXPECT_EQ(epochs_, 4);
  const ir::Graph other = HalvesModel(8, 2);
  ASSERT_TRUE(
      runner.Run(&other, Parse(StrCat("steps: [", tuned, ", {quantize: {kind: float16}}]"))).ok());
  EXPECT_EQ(epochs_, 5) << "another model";
  EXPECT_THAT(told_, ElementsAre(1, 1, 1, 2, 1, 1)) << "each recipe tells all of its epochs";
  told_.clear();
  const auto longer = runner.Run(&other, Parse(StrCat("steps: [", tuned, ", ", tuned, "]")));
  ASSERT_TRUE(longer.ok()) << longer.status().message();
  EXPECT_EQ(epochs_, 6);
  EXPECT_THAT(told_, ElementsAre(1, 2)) << "counted over all steps";
}

TEST_F(RunRecipeTest, ARunnerGivesWhatSeparateRunsGive) {
  RecipeRunner runner(run_);
  for (const char* yaml :
       {"candidates: [quantize]", "candidates: [{quantize: {calibration: min-max}}]",
        "candidates: [{quantize: {calibration_examples: 10}}]",
        "candidates: [{quantize: {kind: float16}}]", "candidates: [original]",
        "candidates: [quantize]"}) {
    const auto together = runner.Run(&model_, Parse(yaml));
    const auto alone = RunRecipe(&model_, Parse(yaml), run_);
    ASSERT_TRUE(together.ok() && alone.ok()) << together.status().message();
    EXPECT_EQ(ir::Print(together->graph, {.data = true}), ir::Print(alone->graph, {.data = true}));
  }
}

TEST_F(RunRecipeTest, SaysWhichStepFails) {
  const auto twice = RunRecipe(&model_, Parse("steps: [quantize, quantize]"), run_);
  EXPECT_THAT(twice.status().message(),
              HasSubstr("step 2, quantize: calibration: the model's input is i8"));
  const auto first = RunRecipe(nullptr, Parse("steps: [quantize, quantize]"), run_);
  EXPECT_THAT(first.status().message(), HasSubstr("step 1, quantize: there is no model"));
  const auto alone = RunRecipe(nullptr, Parse("steps: [finetune]"), run_);
  EXPECT_EQ(alone.status().message(), "there is no model: name one, or begin with the step train");
  Splits none("", 1);
  run_.splits = &none;
  EXPECT_THAT(RunRecipe(&model_, Parse("steps: [quantize]"), run_).status().message(),
              HasSubstr("name a data set with --data"));
  EXPECT_TRUE(RunRecipe(&model_, Parse("candidates: [{quantize: {kind: float16}}]"), run_).ok());
}

// Techniques that write down when they are called.
std::vector<std::string>& Calls() {
  static auto* calls = new std::vector<std::string>;
  return *calls;
}

template <char name>
Status Prepare(ir::Graph&, const TechniqueSettings&, TechniqueReport&) {
  Calls().push_back(StrCat("prepare ", name));
  return OkStatus();
}
template <char name>
Status Finish(ir::Graph&, const TechniqueSettings&, const TechniqueContext&, TechniqueReport&) {
  Calls().push_back(StrCat("finish ", name));
  return OkStatus();
}

class FirstStepHook : public training::StepHook {
 public:
  std::string_view name() const override { return "first step"; }
  Status BeforeStep(training::StepContext& context) override {
    if (context.step == 0) Calls().push_back("schedule b");
    return OkStatus();
  }
};

Result<std::unique_ptr<training::StepHook>> Schedule(const ir::Graph&, const TechniqueSettings&) {
  return std::unique_ptr<training::StepHook>(new FirstStepHook);
}

TEST_F(RunRecipeTest, WhatIsPreparedIsFinishedAfterTraining) {
  const Technique mask = {"mask", "", {{}, &Prepare<'a'>, nullptr, &Finish<'a'>, nullptr}};
  const Technique share = {"share", "", {{}, &Prepare<'b'>, &Schedule, &Finish<'b'>, nullptr}};
  const Technique round = {"round", "", {{}, nullptr, nullptr, &Finish<'c'>, nullptr}};
  std::vector<StepType> types;
  for (const Technique* technique : {&mask, &share, &round}) {
    types.push_back({technique->name, "", StepKind::kTechnique, {}, technique});
  }
  const Step a = MakeStep(types[0], {}), b = MakeStep(types[1], {}), c = MakeStep(types[2], {});
  Step train = MakeStep(StepTypeOf(StepKind::kFinetune), {{"epochs", int64_t{1}}});
  run_.on_epoch = [](const RecipeEpoch&) {
    Calls().push_back("train");
    return OkStatus();
  };
  const struct {
    std::vector<Step> steps;
    std::vector<std::string> calls;
  } kRows[] = {
      {{a, train}, {"prepare a", "train", "finish a"}},
      {{a, b, train}, {"prepare a", "prepare b", "schedule b", "train", "finish a", "finish b"}},
      {{b, train, train}, {"prepare b", "schedule b", "train", "schedule b", "train", "finish b"}},
      {{b, c, train}, {"prepare b", "finish b", "finish c", "train"}},
      {{a, train, c}, {"prepare a", "train", "finish a", "finish c"}},
      {{a, c, b}, {"prepare a", "finish a", "finish c", "prepare b", "finish b"}},
      {{c, c}, {"finish c", "finish c"}},
  };
  for (const auto& row : kRows) {
    Calls().clear();
    const auto result = RunRecipe(&model_, {row.steps}, run_);
    ASSERT_TRUE(result.ok()) << result.status().message();
    EXPECT_EQ(Calls(), row.calls);
  }
}

}  // namespace
}  // namespace tersor::guide
