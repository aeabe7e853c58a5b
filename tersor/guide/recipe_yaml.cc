// Recipes as YAML: what people write.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "tersor/compression/quantization/quantization.h"
#include "tersor/guide/recipe.h"
#include "tersor/guide/recipe_keys.h"

namespace tersor::guide {
namespace {

using compression::TechniqueSettings;

// A value with the key that it stands under, for errors: "recipe line 4: percentile: ...".
struct Field {
  std::string key;
  YAML::Node node;

  template <typename... Args>
  Status Bad(const Args&... args) const {
    return InvalidArgument("recipe line ", node.Mark().line + 1, ": ", key, ": ", args...);
  }

  std::string Found() const {
    if (node.IsScalar()) return StrCat("found '", node.Scalar(), "'");
    return node.IsSequence() ? "found a list" : node.IsMap() ? "found a map" : "found nothing";
  }

  /// A list of texts, or one.
  Result<std::vector<std::string>> Texts() const {
    if (node.IsScalar()) return std::vector<std::string>{node.Scalar()};
    if (!node.IsSequence()) return Bad(Found(), ", expected a text or a list of texts");
    std::vector<std::string> texts;
    for (const YAML::Node& item : node) {
      if (!item.IsScalar()) return Bad("a list in a list, expected texts");
      texts.push_back(item.Scalar());
    }
    return texts;
  }

  Result<OptionValue> Value(const Option& option) const {
    if (!node.IsScalar() && !node.IsSequence()) {
      return Bad(Found(), ", expected ", LegalText(option));
    }
    TERSOR_ASSIGN_OR_RETURN(const auto texts, Texts());
    auto value = ParseOption(option, texts);
    if (!value.ok()) return Bad(value.status().message());
    return *std::move(value);
  }
};

// Calls `take` with each entry of a map. A key stands there once.
Status ForEach(const Field& map, const std::function<Status(const Field&)>& take) {
  if (!map.node.IsMap()) return map.Bad(map.Found(), ", expected a map");
  std::set<std::string> seen;
  for (const auto& pair : map.node) {
    const Field field{pair.first.Scalar(), pair.second};
    if (!seen.insert(field.key).second) return field.Bad("said twice");
    TERSOR_RETURN_IF_ERROR(take(field));
  }
  return OkStatus();
}

// The values that a step tries: of each option given one or more.
using Alternatives = std::vector<std::pair<std::string, std::vector<OptionValue>>>;

Status TooMany(const Field& field) {
  return field.Bad("more than ", kMostCandidates, " candidates");
}

// Reads the map of one step's options.
class StepReader {
 public:
  StepReader(const StepType& type, int64_t seed) : type_(type), seed_(seed) {}

  /// One step for each combination of values. `ignored` is a key that is no option.
  Result<std::vector<Step>> Read(const Field& map, std::string_view ignored = "") {
    if (!map.node.IsNull()) {
      TERSOR_RETURN_IF_ERROR(ForEach(map, [&](const Field& field) {
        return field.key == ignored ? OkStatus() : ReadKey(field);
      }));
    }
    // What is excluded by name is stronger than anything else.
    for (auto& place : excluded_operators_) levels_.by_operator.push_back(std::move(place));
    for (auto& place : excluded_names_) levels_.by_name.push_back(std::move(place));
    std::vector<Step> steps = {MakeStep(type_, {})};
    for (const auto& [name, values] : alternatives_) {
      std::vector<Step> more;
      if (steps.size() * values.size() > kMostCandidates) return TooMany(map);
      for (const Step& step : steps) {
        for (const OptionValue& value : values) {
          more.push_back(step);
          more.back().settings.values[name] = value;
        }
      }
      steps = std::move(more);
    }
    const Option* seed = FindOption(type_.options, "seed");
    for (Step& step : steps) {
      step.settings.by_operator = levels_.by_operator;
      step.settings.by_name = levels_.by_name;
      if (seed != nullptr && !has_seed_) step.settings.values["seed"] = seed_;
    }
    return steps;
  }

 private:
  bool has_levels() const { return type_.technique != nullptr && type_.technique->has_levels(); }
  bool can_skip() const {
    const Option* skip = FindOption(type_.options, compression::kSkipOption);
    return skip != nullptr && skip->legal.per_layer;
  }

  Status ReadKey(const Field& field) {
    if (has_levels() && field.key == kByName) return ReadNames(field);
    if (has_levels() && field.key == kByOperator) return ReadOperators(field);
    if (can_skip() && field.key == kExclude) {
      TERSOR_ASSIGN_OR_RETURN(const auto patterns, field.Texts());
      for (const std::string& pattern : patterns) {
        excluded_names_.emplace_back(pattern, OptionValues{{compression::kSkipOption, true}});
      }
      return OkStatus();
    }
    if (can_skip() && field.key == kExcludeOperators) {
      TERSOR_ASSIGN_OR_RETURN(const auto names, field.Texts());
      for (const std::string& name : names) {
        const auto op = ir::ParseOpTextName(name);
        if (!op) return field.Bad("there is no operator '", name, "'");
        excluded_operators_.emplace_back(*op, OptionValues{{compression::kSkipOption, true}});
      }
      return OkStatus();
    }
    const Option* option = FindOption(type_.options, field.key);
    if (option == nullptr) return field.Bad(Unknown(field.key));
    has_seed_ = has_seed_ || field.key == "seed";
    TERSOR_ASSIGN_OR_RETURN(auto values, ReadAlternatives(*option, field));
    alternatives_.emplace_back(field.key, std::move(values));
    return OkStatus();
  }

  std::string Unknown(std::string_view key) const {
    std::vector<std::string_view> known;
    for (const Option& option : type_.options) known.push_back(option.name);
    if (has_levels()) known.insert(known.end(), {kByName, kByOperator});
    if (can_skip()) known.insert(known.end(), {kExclude, kExcludeOperators});
    return UnknownName(key, known);
  }

  // An option that is a list has more than one value where it is a list of lists.
  static Result<std::vector<OptionValue>> ReadAlternatives(const Option& option,
                                                           const Field& field) {
    const bool list = option.type == OptionType::kTexts || option.type == OptionType::kReals;
    const YAML::Node& node = field.node;
    const bool several = node.IsSequence() && (!list || (node.size() > 0 && node[0].IsSequence()));
    std::vector<OptionValue> values;
    if (!several) {
      TERSOR_ASSIGN_OR_RETURN(OptionValue value, field.Value(option));
      values.push_back(std::move(value));
      return values;
    }
    for (const YAML::Node& item : node) {
      const Field one{field.key, item};
      if (!list && !item.IsScalar()) return one.Bad(one.Found(), ", expected ", LegalText(option));
      TERSOR_ASSIGN_OR_RETURN(OptionValue value, one.Value(option));
      values.push_back(std::move(value));
    }
    if (values.empty()) return field.Bad("an empty list");
    return values;
  }

  Result<OptionValues> ReadPlace(const Field& place) const {
    OptionValues values;
    TERSOR_RETURN_IF_ERROR(ForEach(place, [&](const Field& field) -> Status {
      const Option* option = FindOption(type_.options, field.key);
      if (option == nullptr) return field.Bad(UnknownOption(type_.options, field.key));
      if (!option->legal.per_layer) return field.Bad("has one value for the whole step");
      TERSOR_ASSIGN_OR_RETURN(values[field.key], field.Value(*option));
      return OkStatus();
    }));
    return values;
  }

  Status ReadNames(const Field& map) {
    return ForEach(map, [&](const Field& place) -> Status {
      TERSOR_ASSIGN_OR_RETURN(OptionValues values, ReadPlace(place));
      levels_.by_name.emplace_back(place.key, std::move(values));
      return OkStatus();
    });
  }

  Status ReadOperators(const Field& map) {
    return ForEach(map, [&](const Field& place) -> Status {
      const auto op = ir::ParseOpTextName(place.key);
      if (!op) return place.Bad("there is no such operator");
      TERSOR_ASSIGN_OR_RETURN(OptionValues values, ReadPlace(place));
      levels_.by_operator.emplace_back(*op, std::move(values));
      return OkStatus();
    });
  }

  const StepType& type_;
  int64_t seed_;
  bool has_seed_ = false;
  Alternatives alternatives_;
  TechniqueSettings levels_;
  decltype(levels_.by_name) excluded_names_;
  decltype(levels_.by_operator) excluded_operators_;
};

std::string UnknownStep(std::string_view name, bool candidate) {
  std::vector<std::string_view> known;
  if (candidate) known = {kOriginal, kSteps};
  for (const StepType& type : AllStepTypes()) known.push_back(type.name);
  return UnknownName(name, known);
}

// {technique: full-integer, per_channel: false}: how version 0.1 wrote a candidate. The name is
// "original", a kind of quantization, or a step.
Result<std::vector<Recipe>> ReadTechnique(const Field& entry, int64_t seed) {
  const Field name{std::string(kTechnique), entry.node[std::string(kTechnique)]};
  const std::string text = name.node.IsScalar() ? name.node.Scalar() : "";
  if (text == kOriginal) return std::vector<Recipe>{Recipe()};
  const StepType* type = FindStepType(text);
  const bool kind = ParseOptionName<compression::QuantizationKind>(text).has_value();
  if (kind) type = FindStepType(kQuantize);
  if (type == nullptr) {
    return name.Bad(name.Found(), ", expected original, ",
                    OneOf(compression::kQuantizationKindNames));
  }
  TERSOR_ASSIGN_OR_RETURN(auto steps, StepReader(*type, seed).Read(entry, kTechnique));
  std::vector<Recipe> recipes;
  for (Step& step : steps) {
    if (kind) step.settings.values["kind"] = text;
    recipes.push_back({{std::move(step)}});
  }
  return recipes;
}

// "finetune", or {finetune: {epochs: 3}}.
Result<std::vector<Step>> ReadStep(const Field& entry, int64_t seed) {
  if (entry.node.IsScalar()) {
    const StepType* type = FindStepType(entry.node.Scalar());
    if (type == nullptr) {
      return entry.Bad("'", entry.node.Scalar(), "': ", UnknownStep(entry.node.Scalar(), false));
    }
    return StepReader(*type, seed).Read({entry.key, YAML::Node()});
  }
  if (!entry.node.IsMap() || entry.node.size() != 1) {
    return entry.Bad(entry.Found(), ", expected one step, as in quantize: {kind: float16}");
  }
  const Field step{entry.node.begin()->first.Scalar(), entry.node.begin()->second};
  const StepType* type = FindStepType(step.key);
  if (type == nullptr) return step.Bad(UnknownStep(step.key, false));
  return StepReader(*type, seed).Read(step);
}

Result<std::vector<Recipe>> ReadSteps(const Field& list, int64_t seed) {
  if (!list.node.IsSequence()) return list.Bad(list.Found(), ", expected a list of steps");
  std::vector<Recipe> recipes = {Recipe()};
  for (const YAML::Node& item : list.node) {
    TERSOR_ASSIGN_OR_RETURN(const auto steps, ReadStep({list.key, item}, seed));
    if (recipes.size() * steps.size() > kMostCandidates) return TooMany(list);
    std::vector<Recipe> more;
    for (const Recipe& recipe : recipes) {
      for (const Step& step : steps) {
        more.push_back(recipe);
        more.back().steps.push_back(step);
      }
    }
    recipes = std::move(more);
  }
  return recipes;
}

Result<std::vector<Recipe>> ReadCandidate(const Field& entry, int64_t seed) {
  if (entry.node.IsScalar() && entry.node.Scalar() == kOriginal) {
    return std::vector<Recipe>{Recipe()};
  }
  if (entry.node.IsMap() && entry.node[std::string(kTechnique)]) {
    return ReadTechnique(entry, seed);
  }
  if (entry.node.IsMap() && entry.node.size() == 1 && entry.node[std::string(kSteps)]) {
    return ReadSteps({std::string(kSteps), entry.node[std::string(kSteps)]}, seed);
  }
  TERSOR_ASSIGN_OR_RETURN(auto steps, ReadStep(entry, seed));
  std::vector<Recipe> recipes;
  for (Step& step : steps) recipes.push_back({{std::move(step)}});
  return recipes;
}

Result<std::vector<Recipe>> ReadRecipes(const YAML::Node& root, int64_t seed) {
  constexpr char kCandidates[] = "candidates";
  if (root.IsMap() && root.size() == 1 && root[std::string(kSteps)]) {
    return ReadSteps({std::string(kSteps), root[std::string(kSteps)]}, seed);
  }
  const YAML::Node list = root.IsMap() ? root[kCandidates] : YAML::Node();
  if (!list.IsSequence() || root.size() != 1) {
    return InvalidArgument("recipe: expected one key, candidates or steps, with a list");
  }
  std::vector<Recipe> candidates;
  for (const YAML::Node& entry : list) {
    const Field field{kCandidates, entry};
    TERSOR_ASSIGN_OR_RETURN(auto recipes, ReadCandidate(field, seed));
    if (candidates.size() + recipes.size() > kMostCandidates) return TooMany(field);
    std::move(recipes.begin(), recipes.end(), std::back_inserter(candidates));
  }
  if (candidates.empty()) return InvalidArgument("recipe: the list of candidates is empty");
  return candidates;
}

}  // namespace

Result<std::vector<Recipe>> ParseRecipes(std::string_view yaml, int64_t seed) {
  try {
    return ReadRecipes(YAML::Load(std::string(yaml)), seed);
  } catch (const YAML::Exception& error) {
    return InvalidArgument("recipe line ", error.mark.line + 1, ": ", error.msg);
  }
}

}  // namespace tersor::guide
