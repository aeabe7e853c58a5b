#include "tersor/guide/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tersor/base/file.h"
#include "tersor/compression/quantization/quantization.h"
#include "tersor/training/trainer.h"

namespace tersor::guide {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> LabelsOf(std::string_view yaml) {
  const auto recipes = ParseRecipes(yaml);
  EXPECT_TRUE(recipes.ok()) << recipes.status().message();
  std::vector<std::string> labels;
  if (!recipes.ok()) return labels;
  for (const Recipe& recipe : *recipes) labels.push_back(recipe.Label());
  return labels;
}

TEST(Recipe, TheDefaultOneTriesEachKind) {
  EXPECT_THAT(LabelsOf(DefaultRecipe()),
              ElementsAre("original", "float16", "weight-only", "dynamic-range",
                          "full-integer min-max", "full-integer percentile", "full-integer mse"));
}

TEST(Recipe, TheGuideShowsTheDefaultOne) {
  const auto page = ReadFile("docs/guide.md");
  ASSERT_TRUE(page.ok()) << page.status().message();
  EXPECT_THAT(*page, HasSubstr("```yaml\n" + std::string(DefaultRecipe()) + "```"));
}

// The form of version 0.1: one technique, without steps.
TEST(Recipe, OneOfVersion01IsRead) {
  EXPECT_THAT(LabelsOf(R"(candidates:
  - technique: original
  - technique: float16
  - technique: full-integer
    calibration: [min-max, mse]
  - technique: full-integer
    exclude: conv1
)"),
              ElementsAre("original", "float16", "full-integer min-max", "full-integer mse",
                          "full-integer mse without conv1"));
}

TEST(Recipe, OptionsReachTheQuantizer) {
  constexpr const char* kTexts[] = {R"(
# a comment
candidates:
  - technique: full-integer
    calibration: percentile
    percentile: 99.9
    calibration_examples: 64
    per_channel: false
    exclude: ["dense*", conv1]
    exclude_operators: softmax
)",
                                    R"(
steps:
  - quantize:
      calibration: percentile
      percentile: 99.9
      calibration_examples: 64
      per_channel: no
      by_name: {"dense*": {skip: true}, conv1: {skip: yes}}
      by_operator: {softmax: {skip: true}}
)"};
  for (const char* text : kTexts) {
    const auto candidates = ParseRecipes(text);
    ASSERT_TRUE(candidates.ok()) << candidates.status().message();
    ASSERT_EQ(candidates->size(), 1u);
    const Recipe& recipe = candidates->front();
    EXPECT_EQ(recipe.Label(),
              "full-integer percentile 99.9 64 examples per-tensor without dense* without conv1 "
              "without softmax");
    const auto options = recipe.steps[0].settings.As<compression::QuantizationOptions>();
    const auto levels = recipe.steps[0].settings.LevelsOf<compression::QuantizationSetting>();
    EXPECT_EQ(options.kind, compression::QuantizationKind::kFullInteger);
    EXPECT_EQ(options.calibration_examples, 64);
    EXPECT_EQ(levels.standard.percentile, 99.9);
    EXPECT_FALSE(levels.standard.per_channel);
    EXPECT_TRUE(levels.For(ir::OpKind::kConv2d, {"conv1"}).skip);
    EXPECT_TRUE(levels.For(ir::OpKind::kFullyConnected, {"dense2"}).skip);
    EXPECT_TRUE(levels.For(ir::OpKind::kSoftmax, {"out"}).skip);
    EXPECT_FALSE(levels.For(ir::OpKind::kConv2d, {"conv2"}).skip);
  }
}

TEST(Recipe, LayersMayDiffer) {
  const auto recipes = ParseRecipes(R"(
steps:
  - quantize:
      exclude: first
      by_name:
        "*": {calibration: min-max}
        first: {calibration: percentile, percentile: 90}
      by_operator:
        conv2d: {per_channel: false}
)");
  ASSERT_TRUE(recipes.ok()) << recipes.status().message();
  const auto levels =
      recipes->front().steps[0].settings.LevelsOf<compression::QuantizationSetting>();
  using compression::CalibrationMethod;
  EXPECT_EQ(levels.standard.calibration, CalibrationMethod::kMse);
  EXPECT_EQ(levels.For(ir::OpKind::kAdd, {"x"}).calibration, CalibrationMethod::kMinMax);
  EXPECT_FALSE(levels.For(ir::OpKind::kConv2d, {}).per_channel);
  EXPECT_TRUE(levels.For(ir::OpKind::kConv2d, {"first"}).skip) << "what is excluded is strongest";
}

TEST(Recipe, AListOfValuesIsOneCandidateForEach) {
  EXPECT_THAT(LabelsOf(R"(candidates:
  - steps:
    - finetune: {epochs: [1, 2], learning_rate: 0.01}
    - quantize: {kind: [float16, weight-only]}
  - steps: []
  - quantize
)"),
              ElementsAre("finetune epochs=1 learning_rate=0.01, float16",
                          "finetune epochs=1 learning_rate=0.01, weight-only",
                          "finetune epochs=2 learning_rate=0.01, float16",
                          "finetune epochs=2 learning_rate=0.01, weight-only", "original",
                          "full-integer mse"));
  EXPECT_THAT(LabelsOf("steps: [{train: {boundaries: [0.1, 0.2], schedule: step}}]"),
              ElementsAre("train schedule=step boundaries=0.1,0.2"));
  EXPECT_THAT(
      LabelsOf("steps: [{train: {boundaries: [[0.1], [0.2]], schedule: step}}]"),
      ElementsAre("train schedule=step boundaries=0.1", "train schedule=step boundaries=0.2"));
}

TEST(Recipe, ThereAreAtMostAThousandCandidates) {
  std::string numbers = "1";
  for (int i = 2; i <= 10; ++i) numbers += StrCat(", ", i);
  auto count = [&](std::string_view extra) {
    const auto recipes =
        ParseRecipes(StrCat("candidates: [{finetune: {epochs: [", numbers, "], batch_size: [",
                            numbers, "], patience: [", numbers, "]", extra, "}}]"));
    return recipes.ok() ? std::to_string(recipes->size()) : recipes.status().message();
  };
  EXPECT_EQ(count(""), "1000");
  EXPECT_EQ(count(", flip: [true, false]"), "recipe line 1: finetune: more than 1000 candidates");
}

TEST(Recipe, TheSeedOfTheProgramIsThatOfStepsWithoutTheirOwn) {
  const auto recipes = ParseRecipes("steps: [finetune, {finetune: {seed: 3}}, quantize]", 7);
  ASSERT_TRUE(recipes.ok()) << recipes.status().message();
  const auto& steps = recipes->front().steps;
  EXPECT_EQ(steps[0].settings.As<training::TrainerOptions>().seed, 7u);
  EXPECT_EQ(steps[1].settings.As<training::TrainerOptions>().seed, 3u);
  EXPECT_FALSE(steps[2].settings.values.contains("seed"));
}

TEST(Recipe, SaysWhereItIsWrong) {
  const struct {
    const char* text;
    const char* message;
  } kRows[] = {
      {"", "expected one key, candidates or steps, with a list"},
      {"- technique: float16", "expected one key, candidates"},
      {"candidates: []", "the list of candidates is empty"},
      {"candidates: [float16]", "line 1: candidates: 'float16': unknown, expected train, finetune"},
      {"candidates: [[1]]", "line 1: candidates: found a list, expected one step, as in"},
      {"candidates:\n  - calibration: mse", "line 2: calibration: unknown, expected train"},
      {"candidates:\n  - quantise: {}", "line 2: quantise: unknown, did you mean 'quantize'?"},
      {"candidates:\n  - technique: int8", "line 2: technique: found 'int8', expected original"},
      {"candidates:\n  - technique: float16\n    bits: 4", "line 3: bits: unknown, expected"},
      {"candidates:\n  - quantize:\n      kind: float16\n      percentil: 4",
       "line 4: percentil: unknown, did you mean 'percentile'? expected kind"},
      {"candidates: [{technique: full-integer, calibration: max}]",
       "calibration: found 'max', expected min-max, percentile or mse"},
      {"candidates: [{technique: full-integer, calibration: []}]", "calibration: an empty list"},
      {"candidates: [{technique: full-integer, percentile: 101}]",
       "percentile: found '101', expected more than 0, at most 100"},
      {"candidates: [{technique: full-integer, percentile: much}]",
       "percentile: found 'much', expected a number"},
      {"candidates: [{technique: full-integer, calibration_examples: -1}]",
       "calibration_examples: found '-1', expected 0 or more"},
      {"candidates: [{technique: full-integer, per_channel: [1]}]",
       "per_channel: found '1', expected true or false"},
      {"candidates: [{technique: full-integer, per_channel: {a: b}}]",
       "per_channel: found a map, expected true or false"},
      {"candidates: [{technique: full-integer, per_channel: [[true]]}]",
       "per_channel: found a list, expected true or false"},
      {"candidates: [{technique: float16, exclude_operators: conv9}]",
       "exclude_operators: there is no operator 'conv9'"},
      {"candidates: [{technique: float16, exclude: {a: b}}]",
       "exclude: found a map, expected a text or a list of texts"},
      {"candidates: [{technique: float16, technique: float16}]", "technique: said twice"},
      {"candidates: [{technique: float16}]\nmore: 1", "expected one key"},
      {"steps: [{quantize: {by_name: {a: {kind: float16}}}}]",
       "kind: has one value for the whole step"},
      {"steps: [{quantize: {by_name: {a: {skap: true}}}}]", "skap: unknown, did you mean 'skip'?"},
      {"steps: [{quantize: {by_operator: {conv9: {skip: true}}}}]",
       "conv9: there is no such operator"},
      {"steps: [{quantize: {by_name: [a]}}]", "by_name: found a list, expected a map"},
      {"steps: [{finetune: {by_name: {}}}]", "by_name: unknown, expected epochs"},
      {"steps: [{finetune: {}, quantize: {}}]", "steps: found a map, expected one step"},
      {"steps: quantize", "steps: found 'quantize', expected a list of steps"},
      {"candidates: [", "recipe line 1"},
      {"a: b: c", "recipe line 1"},
  };
  for (const auto& row : kRows) {
    const auto candidates = ParseRecipes(row.text);
    ASSERT_FALSE(candidates.ok()) << row.text;
    EXPECT_THAT(candidates.status().message(), HasSubstr(row.message)) << row.text;
    EXPECT_EQ(candidates.status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_FALSE(ParseRecipes(std::string(100'000, '[')).ok()) << "deep nesting";
  EXPECT_FALSE(LoadRecipes("no-such-recipe.yaml").ok());
}

std::string JsonOf(std::string_view yaml, const RecipeContext& context) {
  const auto recipes = ParseRecipes(yaml);
  EXPECT_TRUE(recipes.ok()) << recipes.status().message();
  return recipes.ok() ? RecipeJson(recipes->front(), context) : "";
}

TEST(RecipeJson, HoldsWhatMattersAndNothingElse) {
  const RecipeContext context{"small", "00ff", "tersor", data::Normalize::kSigned};
  const std::string begin =
      R"({"format":"tersor","model":"small","model_hash":"00ff","normalize":"signed","steps":[)";
  const struct {
    const char* yaml;
    std::string steps;
  } kRows[] = {
      {"candidates: [original]", ""},
      {"candidates: [{quantize: {kind: float16, percentile: 5, per_channel: false}}]",
       R"({"quantize":{"kind":"float16","minimum_saved_bytes":256,"skip":false}})"},
      {"candidates: [{quantize: {percentile: 5}}]",
       R"({"quantize":{"calibration":"mse","calibration_examples":512,"kind":"full-integer",)"
       R"("per_channel":true,"skip":false}})"},
      {"candidates: [{quantize: {calibration: percentile}}]",
       R"({"quantize":{"calibration":"percentile","calibration_examples":512,)"
       R"("kind":"full-integer","per_channel":true,"percentile":99.99,"skip":false}})"},
      {"candidates: [{quantize: {exclude: a*, kind: weight-only}}]",
       R"({"quantize":{"by_name":[["a*",{"skip":true}]],"kind":"weight-only",)"
       R"("minimum_saved_bytes":256,"per_channel":true,"skip":false}})"},
      {"steps: [{quantize: {kind: float16}}, {quantize: {kind: float16}}]",
       R"({"quantize":{"kind":"float16","minimum_saved_bytes":256,"skip":false}},)"
       R"({"quantize":{"kind":"float16","minimum_saved_bytes":256,"skip":false}})"},
  };
  for (const auto& row : kRows) EXPECT_EQ(JsonOf(row.yaml, context), begin + row.steps + "]}");
}

TEST(RecipeJson, ReadsBackToTheSame) {
  const RecipeContext context{"small", "00ff", "tflite", data::Normalize::kRaw};
  for (const char* yaml :
       {"candidates: [original]", "steps: [{train: {learning_rate: 0.1234567890123}}, quantize]",
        "steps: [{finetune: {schedule: step, boundaries: [0.1, 0.2]}}]",
        "steps: [{quantize: {by_operator: {conv2d: {percentile: 5}}, exclude: [b, a]}}]"}) {
    const std::string json = JsonOf(yaml, context);
    const auto recipe = ParseRecipeJson(json);
    ASSERT_TRUE(recipe.ok()) << recipe.status().message();
    EXPECT_EQ(RecipeJson(*recipe, context), json);
    EXPECT_EQ(*UpgradeRecipeJson(json), json);
  }
}

TEST(RecipeJson, OneOfVersion01MeansTheSameAsToday) {
  const RecipeContext context{"small", "00ff", "tersor", data::Normalize::kSigned};
  const std::string model = R"("model":"small","model_hash":"00ff","normalize":"signed")";
  const struct {
    std::string old;
    const char* today;
  } kRows[] = {
      {R"({"format":"tersor",)" + model + R"(,"technique":"original"})", "candidates: [original]"},
      {R"({"format":"tersor",)" + model + R"(,"technique":"float16"})",
       "candidates: [{quantize: {kind: float16}}]"},
      {R"({"calibration":"min-max","calibration_examples":512,"format":"tersor",)" + model +
           R"(,"per_channel":true,"technique":"full-integer"})",
       "candidates: [{quantize: {calibration: min-max}}]"},
      {R"({"calibration":"percentile","calibration_examples":64,"format":"tersor",)" + model +
           R"(,"per_channel":false,"percentile":99.99,"technique":"full-integer"})",
       "candidates: [{quantize: {calibration: percentile, calibration_examples: 64, "
       "per_channel: false}}]"},
      {R"({"exclude":["a*","b"],"exclude_operators":["conv2d"],"format":"tersor",)" + model +
           R"(,"per_channel":true,"technique":"weight-only"})",
       "candidates: [{quantize: {kind: weight-only, exclude: [a*, b], "
       "exclude_operators: conv2d}}]"},
  };
  for (const auto& row : kRows) {
    const auto upgraded = UpgradeRecipeJson(row.old);
    ASSERT_TRUE(upgraded.ok()) << upgraded.status().message();
    EXPECT_EQ(*upgraded, JsonOf(row.today, context));
  }
}

TEST(RecipeJson, WhatCannotBeReadIsAnError) {
  const std::pair<const char*, const char*> kRows[] = {
      {"[]", "no JSON object"},
      {"{}", "without steps"},
      {R"({"steps":1})", "without steps"},
      {R"({"steps":[1]})", "expected {step: {options}}"},
      {R"({"steps":[{"prune":{}}]})", "this version knows no step 'prune'"},
      {R"({"steps":[{"quantize":1}]})", "expected options"},
      {R"({"steps":[{"quantize":{"bits":4}}]})", "bits: unknown"},
      {R"({"steps":[{"quantize":{"kind":"int2"}}]})", "found 'int2', expected float16"},
      {R"({"steps":[{"quantize":{"by_name":["a"]}}]})", "expected [pattern, {options}]"},
      {R"({"technique":"int2"})", "found 'int2', expected float16"},
  };
  for (const auto& [json, message] : kRows) {
    EXPECT_THAT(UpgradeRecipeJson(json).status().message(), HasSubstr(message)) << json;
  }
}

}  // namespace
}  // namespace tersor::guide
