#include "tersor/automation/study/point.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace tersor::automation {
namespace {

using Json = nlohmann::json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void Flatten(const Json& value, const std::string& name, std::map<std::string, std::string>& flat) {
  if (!value.is_structured()) {
    flat[name] = value.is_string() ? value.get<std::string>() : Dump(value);
    return;
  }
  size_t index = 0;
  for (auto item = value.begin(); item != value.end(); ++item, ++index) {
    const std::string key = value.is_object() ? item.key() : std::to_string(index);
    Flatten(*item, name.empty() ? key : StrCat(name, ".", key), flat);
  }
}

}  // namespace

std::string_view DirectionName(Direction direction) {
  return direction == Direction::kMaximize ? "maximize" : "minimize";
}

std::string_view PointStateName(PointState state) {
  switch (state) {
    case PointState::kRunning:
      return "running";
    case PointState::kComplete:
      return "complete";
    default:
      return "failed";
  }
}

std::optional<double> Point::metric(std::string_view metric_name) const {
  const auto found = metrics.find(std::string(metric_name));
  return found == metrics.end() ? std::nullopt : std::optional<double>(found->second);
}

std::string Point::attribute(const std::string& attribute_name) const {
  const auto found = attributes.find(attribute_name);
  return found == attributes.end() ? "" : found->second;
}

Result<std::string> CanonicalJson(std::string_view json) {
  const auto value = Json::parse(json, nullptr, false);
  if (value.is_discarded()) return InvalidArgument("a recipe is JSON, found: ", json);
  return Dump(value);
}

std::map<std::string, std::string> FlatParameters(std::string_view recipe) {
  std::map<std::string, std::string> flat;
  const auto value = Json::parse(recipe, nullptr, false);
  if (value.is_object()) Flatten(value, "", flat);
  return flat;
}

std::string HashText(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  char digits[17];
  std::snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

}  // namespace tersor::automation
