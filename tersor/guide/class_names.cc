#include "tersor/guide/class_names.h"

#include <algorithm>

namespace tersor::guide {
namespace {

bool AreNumbers(const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] != std::to_string(i)) return false;
  }
  return true;
}

}  // namespace

std::vector<std::string> ClassNamesOf(const ir::Graph& model) {
  std::vector<std::string> names;
  const auto said = model.metadata().find(kClassesKey);
  if (said == model.metadata().end()) return names;
  const std::string& text = said->second;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    names.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

void SetClassNames(const std::vector<std::string>& names, ir::Graph& model) {
  if (AreNumbers(names)) return;
  std::string text;
  for (std::string name : names) {
    std::ranges::replace_if(
        name, [](char c) { return c == '\n' || c == '\r'; }, ' ');
    text += name + '\n';
  }
  model.mutable_metadata()[kClassesKey] = text;
}

std::vector<std::string> ClassNamesFor(const ir::Graph& model, const data::Dataset& dataset) {
  if (!AreNumbers(dataset.class_names)) return dataset.class_names;
  std::vector<std::string> names = ClassNamesOf(model);
  return names.empty() ? dataset.class_names : names;
}

std::string ClassNamesDiffer(const ir::Graph& model, const data::Dataset& dataset) {
  const std::vector<std::string> own = ClassNamesOf(model);
  const std::vector<std::string>& others = dataset.class_names;
  if (own.empty() || AreNumbers(others)) return "";
  if (own.size() != others.size()) {
    return StrCat("the model has ", own.size(), " classes, ", dataset.name, " has ", others.size());
  }
  for (size_t i = 0; i < own.size(); ++i) {
    if (own[i] == others[i]) continue;
    return StrCat("class ", i, " is '", own[i], "' in the model and '", others[i], "' in ",
                  dataset.name, ": the labels may mean something else");
  }
  return "";
}

}  // namespace tersor::guide
