#include "tersor/guide/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tersor/base/file.h"

namespace tersor::guide {
namespace {

using ::testing::HasSubstr;

TEST(Recipe, TheDefaultOneTriesEachKind) {
  const auto candidates = ParseRecipe(DefaultRecipe());
  ASSERT_TRUE(candidates.ok()) << candidates.status().message();
  std::vector<std::string> labels;
  for (const Candidate& candidate : *candidates) labels.push_back(candidate.Label());
  EXPECT_THAT(labels, ::testing::ElementsAre("original", "float16", "weight-only", "dynamic-range",
                                             "full-integer min-max", "full-integer percentile",
                                             "full-integer mse"));
}

TEST(Recipe, TheGuideShowsTheDefaultOne) {
  const auto page = ReadFile("docs/guide.md");
  ASSERT_TRUE(page.ok()) << page.status().message();
  EXPECT_THAT(*page, HasSubstr("```yaml\n" + std::string(DefaultRecipe()) + "```"));
}

TEST(Recipe, OptionsReachTheQuantizer) {
  const auto candidates = ParseRecipe(R"(
# a comment
candidates:
  - technique: full-integer
    calibration: percentile
    percentile: 99.9
    calibration_examples: 64
    per_channel: false
    exclude: ["dense*", conv1]
    exclude_operators: softmax
)");
  ASSERT_TRUE(candidates.ok()) << candidates.status().message();
  ASSERT_EQ(candidates->size(), 1u);
  const Candidate& candidate = candidates->front();
  EXPECT_EQ(candidate.Label(),
            "full-integer percentile 99.9 64 examples per-tensor without dense* without conv1 "
            "without softmax");
  const auto options = candidate.ToQuantization();
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->kind, compression::QuantizationKind::kFullInteger);
  EXPECT_EQ(options->settings.standard.percentile, 99.9);
  EXPECT_FALSE(options->settings.standard.per_channel);
  EXPECT_FALSE(options->settings.For(ir::OpKind::kConv2d, {"conv1"}).quantize);
  EXPECT_FALSE(options->settings.For(ir::OpKind::kFullyConnected, {"dense2"}).quantize);
  EXPECT_FALSE(options->settings.For(ir::OpKind::kSoftmax, {"out"}).quantize);
  EXPECT_TRUE(options->settings.For(ir::OpKind::kConv2d, {"conv2"}).quantize);
}

TEST(Recipe, SaysWhereItIsWrong) {
  const struct {
    const char* text;
    const char* message;
  } kRows[] = {
      {"", "expected one key, candidates, with a list"},
      {"- technique: float16", "expected one key, candidates"},
      {"candidates: []", "the list of candidates is empty"},
      {"candidates: [float16]", "line 1: candidates: expected a map with a technique"},
      {"candidates:\n  - calibration: mse", "line 2: candidates: an entry without a technique"},
      {"candidates:\n  - technique: int8", "line 2: technique: found 'int8', expected original"},
      {"candidates:\n  - technique: float16\n    bits: 4", "line 3: bits: unknown, expected"},
      {"candidates: [{technique: full-integer, calibration: max}]",
       "calibration: found 'max', expected min-max, percentile or mse"},
      {"candidates: [{technique: full-integer, calibration: []}]", "calibration: an empty list"},
      {"candidates: [{technique: full-integer, percentile: 101}]",
       "percentile: found '101', expected more than 0, at most 100"},
      {"candidates: [{technique: full-integer, percentile: much}]",
       "percentile: found 'much', expected a number"},
      {"candidates: [{technique: full-integer, calibration_examples: 0}]",
       "calibration_examples: found '0', expected 1 or more"},
      {"candidates: [{technique: full-integer, per_channel: [1]}]",
       "per_channel: found a list, expected true or false"},
      {"candidates: [{technique: float16, exclude_operators: conv9}]",
       "exclude_operators: there is no operator 'conv9'"},
      {"candidates: [{technique: float16, exclude: {a: b}}]",
       "exclude: found a map, expected a text or a list of texts"},
      {"candidates: [{technique: float16, technique: float16}]", "technique: said twice"},
      {"candidates: [{technique: float16}]\nmore: 1", "expected one key"},
      {"candidates: [", "recipe line 1"},
      {"a: b: c", "recipe line 1"},
  };
  for (const auto& row : kRows) {
    const auto candidates = ParseRecipe(row.text);
    ASSERT_FALSE(candidates.ok()) << row.text;
    EXPECT_THAT(candidates.status().message(), HasSubstr(row.message)) << row.text;
    EXPECT_EQ(candidates.status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_FALSE(ParseRecipe(std::string(100'000, '[')).ok()) << "deep nesting";
  EXPECT_FALSE(LoadRecipe("no-such-recipe.yaml").ok());
}

TEST(RecipeJson, HoldsWhatMattersAndNothingElse) {
  const RecipeContext context{"small", "00ff", "tersor", data::Normalize::kSigned};
  const std::string model = R"("model":"small","model_hash":"00ff","normalize":"signed")";
  const struct {
    const char* yaml;
    std::string json;
  } kRows[] = {
      {"{technique: original}", R"({"format":"tersor",)" + model + R"(,"technique":"original"})"},
      {"{technique: float16, percentile: 5, per_channel: false}",
       R"({"format":"tersor",)" + model + R"(,"technique":"float16"})"},
      {"{technique: full-integer, percentile: 5}",
       R"({"calibration":"min-max","calibration_examples":512,"format":"tersor",)" + model +
           R"(,"per_channel":true,"technique":"full-integer"})"},
      {"{technique: full-integer, calibration: percentile}",
       R"({"calibration":"percentile","calibration_examples":512,"format":"tersor",)" + model +
           R"(,"per_channel":true,"percentile":99.99,"technique":"full-integer"})"},
      {"{exclude: a*, technique: weight-only}",
       R"({"exclude":["a*"],"format":"tersor",)" + model +
           R"(,"per_channel":true,"technique":"weight-only"})"},
  };
  for (const auto& row : kRows) {
    const auto candidates = ParseRecipe(StrCat("candidates: [", row.yaml, "]"));
    ASSERT_TRUE(candidates.ok()) << candidates.status().message();
    EXPECT_EQ(RecipeJson(candidates->front(), context), row.json);
  }
}

}  // namespace
}  // namespace tersor::guide
