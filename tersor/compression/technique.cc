#include "tersor/compression/technique.h"

#include <algorithm>
#include <set>

namespace tersor::compression {

#define TECHNIQUE(name, functions, doc) TechniqueFunctions functions();
#include "tersor/compression/techniques.inc"
#undef TECHNIQUE

void TechniqueSettings::PutInto(OptionTable table, const OptionValues& given, void* options) {
  for (const Option& option : table) {
    const auto found = given.find(option.name);
    if (found != given.end()) option.set(options, found->second);
  }
}

bool Technique::has_levels() const {
  return std::any_of(functions.options.begin(), functions.options.end(),
                     [](const Option& option) { return option.legal.per_layer; });
}

std::string Technique::Label(const TechniqueSettings& settings) const {
  if (functions.label != nullptr) return functions.label(settings);
  return OptionsLabel(name, functions.options, settings.values) + SkippedText(settings);
}

std::span<const Technique> AllTechniques() {
  static const Technique kTechniques[] = {
#define TECHNIQUE(name, functions, doc) {#name, doc, functions()},
#include "tersor/compression/techniques.inc"
#undef TECHNIQUE
  };
  return kTechniques;
}

Status CheckPlaces(const ir::Graph& graph, const TechniqueSettings& settings) {
  std::vector<std::string_view> names;
  std::set<ir::OpKind> operators;
  for (const auto& node : graph.nodes()) {
    operators.insert(node->op());
    for (ir::ValueId id : node->results()) names.push_back(graph.value(id).name());
    for (ir::ValueId id : node->operands()) {
      if (id != ir::kNoValue && graph.value(id).is_variable()) {
        names.push_back(graph.value(id).name());
      }
    }
  }
  std::erase(names, "");
  for (const auto& place : settings.by_name) {
    const std::string& pattern = place.first;
    const auto matches = [&](std::string_view name) { return MatchesGlob(pattern, name); };
    if (std::ranges::any_of(names, matches)) continue;
    const auto nearest = NearestName(pattern, names);
    return InvalidArgument("'", pattern, "' is the name of no result and no filter of the model",
                           nearest ? StrCat(", did you mean '", *nearest, "'?") : "",
                           "; tersor inspect lists them");
  }
  for (const auto& [op, given] : settings.by_operator) {
    if (operators.contains(op)) continue;
    return InvalidArgument("the model has no operator ", ir::InfoOf(op).text_name,
                           "; tersor inspect lists those that it has");
  }
  return OkStatus();
}

std::string SkippedText(const TechniqueSettings& settings) {
  std::string text;
  auto add = [&](std::string_view place, const OptionValues& given) {
    std::string differs;
    for (const auto& [name, value] : given) {
      if (name != kSkipOption) differs += StrCat(" ", name, "=", OptionText(value));
    }
    const auto skip = given.find(kSkipOption);
    if (skip != given.end() && std::get<bool>(skip->second)) {
      text += StrCat(" without ", place);
    } else {
      text += StrCat(" with ", place, differs);
    }
  };
  for (const auto& [pattern, given] : settings.by_name) add(pattern, given);
  for (const auto& [op, given] : settings.by_operator) add(ir::InfoOf(op).text_name, given);
  return text;
}

std::string OptionsLabel(std::string_view name, OptionTable table, const OptionValues& values) {
  std::string label(name);
  for (const Option& option : table) {
    const OptionValue& value = values.find(option.name)->second;
    if (value == option.standard() || !HasMeaning(table, option, values)) continue;
    label += StrCat(" ", option.name, "=", OptionText(value));
  }
  return label;
}

}  // namespace tersor::compression
