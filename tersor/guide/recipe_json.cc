// Recipes as JSON: what a point of a study keeps.
#include <nlohmann/json.hpp>
#include <utility>

#include "tersor/compression/quantization/quantization.h"
#include "tersor/guide/recipe.h"
#include "tersor/guide/recipe_keys.h"

namespace tersor::guide {
namespace {

using compression::TechniqueSettings;
using nlohmann::json;

std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json ObjectOf(const OptionValues& values) {
  json object = json::object();
  for (const auto& [name, value] : values) {
    std::visit([&, key = name](const auto& held) { object[key] = held; }, value);
  }
  return object;
}

json StepObject(const Step& step) {
  OptionValues meant;
  for (const Option& option : step.type->options) {
    if (HasMeaning(step.type->options, option, step.settings.values)) {
      meant.insert(*step.settings.values.find(option.name));
    }
  }
  json options = ObjectOf(meant);
  for (const auto& [op, given] : step.settings.by_operator) {
    options[kByOperator].push_back(json::array({ir::InfoOf(op).text_name, ObjectOf(given)}));
  }
  for (const auto& [pattern, given] : step.settings.by_name) {
    options[kByName].push_back(json::array({pattern, ObjectOf(given)}));
  }
  return {{std::string(step.type->name), std::move(options)}};
}

json StepsArray(const Recipe& recipe) {
  json steps = json::array();
  for (const Step& step : recipe.steps) steps.push_back(StepObject(step));
  return steps;
}

std::string TextOf(const json& value) {
  return value.is_string() ? value.get<std::string>() : Dump(value);
}

Result<OptionValue> ReadValue(const Option& option, const json& value) {
  std::vector<std::string> texts;
  if (value.is_array()) {
    for (const json& item : value) texts.push_back(TextOf(item));
  } else {
    texts.push_back(TextOf(value));
  }
  return ParseOption(option, texts);
}

Result<OptionValues> ReadValues(OptionTable table, const json& object) {
  if (!object.is_object()) return DataLoss("found ", Dump(object), ", expected options");
  OptionValues values;
  for (const auto& [name, value] : object.items()) {
    const Option* option = FindOption(table, name);
    if (option == nullptr) return DataLoss(name, ": ", UnknownOption(table, name));
    auto read = ReadValue(*option, value);
    if (!read.ok()) return read.status().WithContext(name);
    values.emplace(name, *std::move(read));
  }
  return values;
}

// Calls `take(pattern, options)` for each entry of a list of [pattern, {options}].
template <typename Take>
Status ReadLevel(OptionTable table, const json& list, const Take& take) {
  for (const json& entry : list) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string()) {
      return DataLoss("found ", Dump(entry), ", expected [pattern, {options}]");
    }
    TERSOR_ASSIGN_OR_RETURN(OptionValues values, ReadValues(table, entry[1]));
    TERSOR_RETURN_IF_ERROR(take(entry[0].get<std::string>(), std::move(values)));
  }
  return OkStatus();
}

Result<Step> ReadStep(const json& object) {
  if (!object.is_object() || object.size() != 1) {
    return DataLoss("found ", Dump(object), ", expected {step: {options}}");
  }
  const std::string name = object.begin().key();
  const StepType* type = FindStepType(name);
  if (type == nullptr) return Unsupported("this version knows no step '", name, "'");
  json options = object.begin().value();
  TechniqueSettings levels;
  if (options.is_object()) {
    TERSOR_RETURN_IF_ERROR(ReadLevel(type->options, options.value(kByName, json::array()),
                                     [&](std::string pattern, OptionValues values) {
                                       levels.by_name.emplace_back(std::move(pattern),
                                                                   std::move(values));
                                       return OkStatus();
                                     }));
    TERSOR_RETURN_IF_ERROR(ReadLevel(type->options, options.value(kByOperator, json::array()),
                                     [&](const std::string& text, OptionValues values) -> Status {
                                       const auto op = ir::ParseOpTextName(text);
                                       if (!op)
                                         return Unsupported("this version knows no operator '",
                                                            text, "'");
                                       levels.by_operator.emplace_back(*op, std::move(values));
                                       return OkStatus();
                                     }));
    options.erase(kByName);
    options.erase(kByOperator);
  }
  auto values = ReadValues(type->options, options);
  if (!values.ok()) return values.status().WithContext(name);
  Step step = MakeStep(*type, *values);
  step.settings.by_name = std::move(levels.by_name);
  step.settings.by_operator = std::move(levels.by_operator);
  return step;
}

// Version 0.1 wrote {"technique": "full-integer", "calibration": "mse", ...} beside the context:
// "original", or a kind of quantization with its options.
json StepsOfVersion01(const json& point) {
  const std::string technique = point.value(kTechnique, "");
  if (technique == kOriginal) return json::array();
  json options = {{"kind", technique}};
  for (const char* key : {"calibration", "calibration_examples", "percentile", "per_channel"}) {
    if (point.contains(key)) options[key] = point[key];
  }
  const json skip = {{compression::kSkipOption, true}};
  for (const auto& [old_key, key] :
       {std::pair(kExclude, kByName), std::pair(kExcludeOperators, kByOperator)}) {
    if (!point.contains(old_key)) continue;
    for (const json& place : point[old_key]) options[key].push_back(json::array({place, skip}));
  }
  return json::array({{{kQuantize, std::move(options)}}});
}

Result<json> ParseObject(std::string_view text) {
  json point = json::parse(text, nullptr, false);
  if (!point.is_object()) return DataLoss("a recipe is no JSON object: ", text);
  const bool version_01 = !point.contains(kSteps) && point.contains(kTechnique);
  if (version_01) point[kSteps] = StepsOfVersion01(point);
  if (!point.value(kSteps, json()).is_array()) return DataLoss("a recipe without steps: ", text);
  return point;
}

Result<Recipe> ReadSteps(const json& steps) {
  Recipe recipe;
  for (const json& object : steps) {
    TERSOR_ASSIGN_OR_RETURN(Step step, ReadStep(object));
    recipe.steps.push_back(std::move(step));
  }
  return recipe;
}

}  // namespace

std::string StepsJson(const Recipe& recipe) { return Dump(StepsArray(recipe)); }

std::string RecipeJson(const Recipe& recipe, const RecipeContext& context) {
  return Dump({{"format", context.format},
               {"model", context.model_name},
               {"model_hash", context.model_hash},
               {"normalize", data::NormalizeName(context.normalize)},
               {kSteps, StepsArray(recipe)}});
}

Result<Recipe> ParseRecipeJson(std::string_view text) {
  TERSOR_ASSIGN_OR_RETURN(const json point, ParseObject(text));
  return ReadSteps(point[kSteps]);
}

Result<std::string> UpgradeRecipeJson(std::string_view text) {
  TERSOR_ASSIGN_OR_RETURN(const json point, ParseObject(text));
  TERSOR_ASSIGN_OR_RETURN(const Recipe recipe, ReadSteps(point[kSteps]));
  json upgraded = json::object();
  for (const char* key : {"format", "model", "model_hash", "normalize"}) {
    if (point.contains(key)) upgraded[key] = point[key];
  }
  upgraded[kSteps] = StepsArray(recipe);
  return Dump(upgraded);
}

}  // namespace tersor::guide
