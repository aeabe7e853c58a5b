#include "tersor/guide/candidates.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "tersor/base/file.h"
#include "tersor/formats/formats.h"
#include "tersor/guide/run_recipe.h"
#include "tersor/guide/summary.h"

namespace tersor::guide {
namespace {

Result<std::vector<Recipe>> RecipesOf(const ShrinkOptions& options) {
  std::vector<Recipe> recipes = options.candidates;
  if (recipes.empty()) {
    TERSOR_ASSIGN_OR_RETURN(recipes, ParseRecipes(DefaultRecipe(), options.seed));
  }
  const bool has_original = std::any_of(recipes.begin(), recipes.end(),
                                        [](const Recipe& recipe) { return recipe.original(); });
  if (!has_original) recipes.insert(recipes.begin(), Recipe());
  return recipes;
}

}  // namespace

std::map<std::string, std::string> Candidate::Attributes() const {
  std::map<std::string, std::string> attributes = {
      {kModelAttribute, source->name},
      {kTechniqueAttribute, recipe.Technique()},
      {kFormatAttribute, format},
      {kNormalizeAttribute, std::string(data::NormalizeName(source->normalize))}};
  if (recipe.original()) attributes[kReferenceAttribute] = kYes;
  return attributes;
}

Result<std::vector<std::unique_ptr<Source>>> LoadSources(const ShrinkOptions& options) {
  std::vector<std::unique_ptr<Source>> sources;
  std::map<std::string, int> names;
  std::set<std::string> hashes;
  for (const std::string& path : options.models) {
    TERSOR_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
    TERSOR_ASSIGN_OR_RETURN(ir::Graph graph, formats::ImportModel(path));
    auto normalize = options.normalize ? *options.normalize : NormalizeOf(graph);
    if (!normalize.ok()) return normalize.status().WithContext(path);
    const std::string hash = automation::HashText(bytes);
    if (!hashes.insert(hash).second) continue;
    std::string name = std::filesystem::path(path).stem().string();
    if (const int count = ++names[name]; count > 1) name += StrCat("-", count);
    sources.push_back(std::make_unique<Source>(
        Source{path, std::move(name), hash, std::move(graph), *normalize}));
  }
  return sources;
}

Status CheckFit(const Source& source, const data::Dataset& examples) {
  const ir::Graph& graph = source.graph;
  if (graph.inputs().size() != 1) {
    return InvalidArgument("shrink measures classifiers with one input, the model has ",
                           graph.inputs().size());
  }
  const data::Field* field = examples.only_input();
  if (field == nullptr) {
    return InvalidArgument("shrink measures on examples of one field, ", examples.name,
                           " has others");
  }
  return data::InputEncoder::Create(graph.value(graph.inputs()[0]).type(),
                                    data::BatchOf(field->type, examples.size()), source.normalize)
      .status();
}

Result<std::vector<Candidate>> MakeCandidates(const ShrinkOptions& options,
                                              const std::vector<std::unique_ptr<Source>>& sources) {
  TERSOR_ASSIGN_OR_RETURN(const auto recipes, RecipesOf(options));
  std::vector<Candidate> candidates;
  std::set<std::string> known;
  for (const auto& source : sources) {
    for (const Recipe& recipe : recipes) {
      for (const std::string& format : options.formats) {
        Candidate candidate{source.get(), recipe, format, "", ""};
        candidate.json =
            RecipeJson(recipe, {source->name, source->hash, format, source->normalize});
        candidate.name = StrCat(source->name, " ", recipe.Label());
        if (format != kOwnFormat) candidate.name += StrCat(" ", format);
        if (known.insert(candidate.json).second) candidates.push_back(std::move(candidate));
      }
    }
  }
  return candidates;
}

Status AdoptOlderPoints(const automation::Study& study, std::vector<Candidate>& candidates) {
  TERSOR_ASSIGN_OR_RETURN(const auto points, study.Points());
  std::map<std::string, std::string> older;
  for (const automation::Point& point : points) {
    const auto upgraded = UpgradeRecipeJson(point.recipe);
    if (upgraded.ok() && *upgraded != point.recipe) older.emplace(*upgraded, point.recipe);
  }
  for (Candidate& candidate : candidates) {
    const auto found = older.find(candidate.json);
    if (found != older.end()) candidate.json = found->second;
  }
  return OkStatus();
}

}  // namespace tersor::guide
