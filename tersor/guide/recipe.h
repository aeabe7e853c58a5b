// Recipes: the sequence of steps that makes a model of another one. Written by people as YAML, kept
// with each point of a study as JSON. docs/guide.md says how both are written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/data/normalize.h"
#include "tersor/guide/step.h"

namespace tersor::guide {

struct Recipe {
  std::vector<Step> steps;

  /// Without steps: the model as it is, prepared for inference.
  bool original() const { return steps.empty(); }
  /// "finetune epochs=3, full-integer mse"; "original" without steps.
  std::string Label() const;
  /// What models are sorted by in reports: the first word of each step's label.
  std::string Technique() const;
};

/// The recipe of one step.
Recipe OneStep(const StepType& type, const OptionValues& given);

/// A file of recipes makes at most so many candidates.
inline constexpr size_t kMostCandidates = 1000;

/// The candidates of a recipe file's text: one for each combination of values where an option is
/// given a list of them. A step with an option `seed` that is not given gets `seed`. Errors name
/// the line, what was found and what is known there.
Result<std::vector<Recipe>> ParseRecipes(std::string_view yaml, int64_t seed = 1);
/// The same of a file of at most 1 MB.
Result<std::vector<Recipe>> LoadRecipes(const std::string& path, int64_t seed = 1);
/// The only candidate of such a file, or what is wrong.
Result<Recipe> LoadOneRecipe(const std::string& path, int64_t seed = 1);

/// What `shrink` follows without another: the original, and each kind of quantization.
std::string_view DefaultRecipe();

/// The format that can hold all that a graph says. Each candidate of `shrink` is written in it.
inline constexpr char kOwnFormat[] = "tersor";

/// What identifies a point besides the steps of its recipe.
struct RecipeContext {
  std::string model_name;  ///< of the file, without folder and extension
  std::string model_hash;  ///< of its bytes
  std::string format;      ///< kOwnFormat, "tflite"
  data::Normalize normalize = data::Normalize::kSigned;
};

/// The recipe of a point: {"format", "model", "model_hash", "normalize", "steps": [{"quantize":
/// {options}}]} as canonical JSON: sorted keys, no spaces. Every option that has a meaning is in
/// it, also with its default, so that it means the same when a default changes later. Layers that
/// differ stand in "by_name" and "by_operator", lists of [pattern, {options}] in their order.
std::string RecipeJson(const Recipe& recipe, const RecipeContext& context);

/// The steps of a recipe as a JSON list, as they stand in RecipeJson.
std::string StepsJson(const Recipe& recipe);

/// The recipe of a point that any version of this program has written, in today's form: of version
/// 0.1, which knew one technique and no steps, and with the defaults of options that are newer than
/// it. Two recipes that mean the same have the same text then. Errors: no JSON object, a step or an
/// option that this version does not know.
Result<std::string> UpgradeRecipeJson(std::string_view json);

/// The steps of such a recipe.
Result<Recipe> ParseRecipeJson(std::string_view json);

}  // namespace tersor::guide
