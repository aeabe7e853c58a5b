#include "tersor/guide/recipe.h"

#include "tersor/base/file.h"
#include "tersor/guide/recipe_keys.h"

namespace tersor::guide {
namespace {

constexpr int64_t kLargestFileBytes = 1 << 20;

constexpr std::string_view kDefault = R"(candidates:
  - original
  - quantize: {kind: [float16, weight-only, dynamic-range]}
  - quantize: {kind: full-integer, calibration: [min-max, percentile, mse]}
)";

}  // namespace

std::string_view DefaultRecipe() { return kDefault; }

std::string Recipe::Label() const {
  if (original()) return kOriginal;
  std::string label;
  for (const Step& step : steps) label += (label.empty() ? "" : ", ") + step.Label();
  return label;
}

std::string Recipe::Technique() const {
  if (original()) return Label();
  std::string text;
  for (const Step& step : steps) {
    const std::string label = step.Label();
    text += (text.empty() ? "" : " + ") + label.substr(0, label.find(' '));
  }
  return text;
}

Recipe OneStep(const StepType& type, const OptionValues& given) {
  return {{MakeStep(type, given)}};
}

Result<std::vector<Recipe>> LoadRecipes(const std::string& path, int64_t seed) {
  TERSOR_ASSIGN_OR_RETURN(const int64_t size, FileSizeBytes(path));
  if (size > kLargestFileBytes) {
    return InvalidArgument(path, ": has ", size, " bytes, a recipe has at most ",
                           kLargestFileBytes);
  }
  TERSOR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  auto candidates = ParseRecipes(text, seed);
  if (!candidates.ok()) return candidates.status().WithContext(path);
  return candidates;
}

Result<Recipe> LoadOneRecipe(const std::string& path, int64_t seed) {
  TERSOR_ASSIGN_OR_RETURN(auto recipes, LoadRecipes(path, seed));
  if (recipes.size() != 1) {
    return InvalidArgument(path, ": has ", recipes.size(),
                           " candidates, expected one; tersor shrink tries several");
  }
  return std::move(recipes.front());
}

}  // namespace tersor::guide
