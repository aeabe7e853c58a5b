#include "tersor/guide/recipe.h"

#include <yaml-cpp/yaml.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "tersor/base/file.h"
#include "tersor/ir/op.h"

namespace tersor::guide {
namespace {

using compression::CalibrationMethod;
using compression::CalibrationMethodName;
using compression::QuantizationKind;

constexpr int64_t kLargestFileBytes = 1 << 20;
constexpr std::array kMethods = {CalibrationMethod::kMinMax, CalibrationMethod::kPercentile,
                                 CalibrationMethod::kMse};

constexpr std::string_view kDefault = R"(candidates:
  - technique: original
  - technique: float16
  - technique: weight-only
  - technique: dynamic-range
  - technique: full-integer
    calibration: [min-max, percentile, mse]
)";

std::optional<CalibrationMethod> FindMethod(std::string_view name) {
  for (CalibrationMethod method : kMethods) {
    if (CalibrationMethodName(method) == name) return method;
  }
  return std::nullopt;
}

// A value with the key it stands under, for errors: "recipe line 4: percentile: ...".
class Field {
 public:
  Field(std::string key, const YAML::Node& node) : key_(std::move(key)), node_(node) {}

  template <typename... Args>
  Status Bad(const Args&... args) const {
    return InvalidArgument("recipe line ", node_.Mark().line + 1, ": ", key_, ": ", args...);
  }

  template <typename T>
  Status Read(T& value, std::string_view expected) const {
    if (node_.IsScalar() && YAML::convert<T>::decode(node_, value)) return OkStatus();
    return Bad(Found(), ", expected ", expected);
  }

  /// A list of texts, or one.
  Result<std::vector<std::string>> Texts() const {
    std::vector<std::string> texts;
    if (node_.IsScalar()) return std::vector<std::string>{node_.Scalar()};
    if (!node_.IsSequence()) return Bad(Found(), ", expected a text or a list of texts");
    for (const YAML::Node& item : node_) {
      if (!item.IsScalar()) return Bad("a list in a list, expected texts");
      texts.push_back(item.Scalar());
    }
    return texts;
  }

  std::string Found() const {
    if (node_.IsScalar()) return StrCat("found '", node_.Scalar(), "'");
    return node_.IsSequence() ? "found a list" : node_.IsMap() ? "found a map" : "found nothing";
  }

 private:
  std::string key_;
  YAML::Node node_;
};

// One entry of the list: its candidate, and the calibrations that it is to be tried with.
Status ReadField(const std::string& key, const Field& field, Candidate& candidate,
                 std::vector<CalibrationMethod>& methods) {
  if (key == "technique") {
    TERSOR_RETURN_IF_ERROR(field.Read(candidate.technique, "the name of a technique"));
    if (candidate.original() || compression::ParseQuantizationKind(candidate.technique)) {
      return OkStatus();
    }
    return field.Bad(field.Found(),
                     ", expected original, float16, weight-only, dynamic-range or full-integer");
  }
  if (key == "calibration") {
    TERSOR_ASSIGN_OR_RETURN(const auto names, field.Texts());
    methods.clear();
    for (const std::string& name : names) {
      const auto method = FindMethod(name);
      if (!method) return field.Bad("found '", name, "', expected min-max, percentile or mse");
      methods.push_back(*method);
    }
    return methods.empty() ? field.Bad("an empty list") : OkStatus();
  }
  if (key == "percentile") {
    TERSOR_RETURN_IF_ERROR(field.Read(candidate.percentile, "a number"));
    const bool valid = candidate.percentile > 0 && candidate.percentile <= 100;
    return valid ? OkStatus() : field.Bad(field.Found(), ", expected more than 0, at most 100");
  }
  if (key == "calibration_examples") {
    TERSOR_RETURN_IF_ERROR(field.Read(candidate.calibration_examples, "a whole number"));
    return candidate.calibration_examples > 0 ? OkStatus()
                                              : field.Bad(field.Found(), ", expected 1 or more");
  }
  if (key == "per_channel") return field.Read(candidate.per_channel, "true or false");
  if (key == "exclude") {
    TERSOR_ASSIGN_OR_RETURN(candidate.exclude, field.Texts());
    return OkStatus();
  }
  if (key == "exclude_operators") {
    TERSOR_ASSIGN_OR_RETURN(candidate.exclude_operators, field.Texts());
    for (const std::string& name : candidate.exclude_operators) {
      if (!ir::ParseOpTextName(name)) return field.Bad("there is no operator '", name, "'");
    }
    return OkStatus();
  }
  return field.Bad(
      "unknown, expected technique, calibration, percentile, calibration_examples, per_channel, "
      "exclude or exclude_operators");
}

Result<std::vector<Candidate>> ReadCandidates(const YAML::Node& root) {
  const YAML::Node list = root.IsMap() ? root["candidates"] : YAML::Node();
  if (!list.IsSequence() || root.size() != 1) {
    return InvalidArgument("recipe: expected one key, candidates, with a list");
  }
  std::vector<Candidate> candidates;
  for (const YAML::Node& entry : list) {
    if (!entry.IsMap()) return Field("candidates", entry).Bad("expected a map with a technique");
    Candidate candidate;
    std::vector<CalibrationMethod> methods = {candidate.calibration};
    bool named = false;
    std::set<std::string> seen;
    for (const auto& pair : entry) {
      const Field field(pair.first.Scalar(), pair.second);
      if (!seen.insert(pair.first.Scalar()).second) return field.Bad("said twice");
      TERSOR_RETURN_IF_ERROR(ReadField(pair.first.Scalar(), field, candidate, methods));
      named = named || pair.first.Scalar() == "technique";
    }
    if (!named) return Field("candidates", entry).Bad("an entry without a technique");
    for (CalibrationMethod method : methods) {
      candidate.calibration = method;
      candidates.push_back(candidate);
    }
  }
  if (candidates.empty()) return InvalidArgument("recipe: the list of candidates is empty");
  return candidates;
}

}  // namespace

std::string_view DefaultRecipe() { return kDefault; }

Result<std::vector<Candidate>> ParseRecipe(std::string_view yaml) {
  try {
    return ReadCandidates(YAML::Load(std::string(yaml)));
  } catch (const YAML::Exception& error) {
    return InvalidArgument("recipe line ", error.mark.line + 1, ": ", error.msg);
  }
}

Result<std::vector<Candidate>> LoadRecipe(const std::string& path) {
  TERSOR_ASSIGN_OR_RETURN(const int64_t size, FileSizeBytes(path));
  if (size > kLargestFileBytes) {
    return InvalidArgument(path, ": has ", size, " bytes, a recipe has at most ",
                           kLargestFileBytes);
  }
  TERSOR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  auto candidates = ParseRecipe(text);
  if (!candidates.ok()) return candidates.status().WithContext(path);
  return candidates;
}

bool Candidate::needs_calibration() const {
  return compression::ParseQuantizationKind(technique) == QuantizationKind::kFullInteger;
}

std::string Candidate::Label() const {
  const Candidate standard;
  std::string label = technique;
  if (needs_calibration()) {
    label += StrCat(" ", CalibrationMethodName(calibration));
    if (calibration == CalibrationMethod::kPercentile && percentile != standard.percentile) {
      label += StrCat(" ", percentile);
    }
    if (calibration_examples != standard.calibration_examples) {
      label += StrCat(" ", calibration_examples, " examples");
    }
  }
  if (!per_channel) label += " per-tensor";
  for (const auto* names : {&exclude, &exclude_operators}) {
    for (const std::string& name : *names) label += StrCat(" without ", name);
  }
  return label;
}

Result<compression::QuantizationOptions> Candidate::ToQuantization() const {
  const auto kind = compression::ParseQuantizationKind(technique);
  if (!kind) return InvalidArgument("technique '", technique, "' is no quantization");
  compression::QuantizationOptions options;
  options.kind = *kind;
  compression::QuantizationSetting setting;
  setting.per_channel = per_channel;
  setting.method = calibration;
  setting.percentile = percentile;
  options.settings.standard = setting;
  setting.quantize = false;
  for (const std::string& name : exclude_operators) {
    const auto op = ir::ParseOpTextName(name);
    if (!op) return InvalidArgument("there is no operator '", name, "'");
    options.settings.by_operator.emplace_back(*op, setting);
  }
  for (const std::string& pattern : exclude) {
    options.settings.by_name.emplace_back(pattern, setting);
  }
  return options;
}

std::string RecipeJson(const Candidate& candidate, const RecipeContext& context) {
  nlohmann::json json;  // sorts its keys
  json["technique"] = candidate.technique;
  if (candidate.needs_calibration()) {
    json["calibration"] = CalibrationMethodName(candidate.calibration);
    json["calibration_examples"] = candidate.calibration_examples;
    if (candidate.calibration == CalibrationMethod::kPercentile) {
      json["percentile"] = candidate.percentile;
    }
  }
  if (!candidate.original()) {
    if (candidate.technique != "float16") json["per_channel"] = candidate.per_channel;
    if (!candidate.exclude.empty()) json["exclude"] = candidate.exclude;
    if (!candidate.exclude_operators.empty()) {
      json["exclude_operators"] = candidate.exclude_operators;
    }
  }
  json["model"] = context.model_name;
  json["model_hash"] = context.model_hash;
  json["format"] = context.format;
  json["normalize"] = data::NormalizeName(context.normalize);
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace tersor::guide
