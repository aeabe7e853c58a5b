#include "tersor/guide/summary.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace tersor::guide {
namespace {

using automation::Point;
using automation::PointState;
using nlohmann::json;

// The text under a key of a recipe, or "" where it is no text.
std::string TextOf(const json& recipe, const char* key) {
  const auto found = recipe.is_object() ? recipe.find(key) : recipe.end();
  return found != recipe.end() && found->is_string() ? found->get<std::string>() : "";
}

SummaryPoint ReadPoint(Point point) {
  SummaryPoint read;
  const json recipe = json::parse(point.recipe, nullptr, false);
  read.technique = TextOf(recipe, "technique");
  read.format = TextOf(recipe, "format");
  if (const auto normalize = data::ParseNormalize(TextOf(recipe, "normalize"))) {
    read.normalize = *normalize;
  }
  read.measured = {point.top1, point.file_bytes, point.latency_us, point.arena_bytes};
  read.point = std::move(point);
  return read;
}

template <typename T>
void Put(json& object, const char* key, const std::optional<T>& value) {
  if (value) object[key] = *value;
}

template <typename T>
void Take(const json& object, const char* key, std::optional<T>& value) {
  const auto found = object.find(key);
  if (found != object.end() && found->is_number()) value = found->get<T>();
}

}  // namespace

std::string LimitsJson(const Limits& limits) {
  json object = json::object();
  Put(object, "max_bytes", limits.max_bytes);
  Put(object, "max_latency_us", limits.max_latency_us);
  Put(object, "max_arena_bytes", limits.max_arena_bytes);
  Put(object, "max_accuracy_drop", limits.max_accuracy_drop);
  Put(object, "min_accuracy", limits.min_accuracy);
  return object.dump();
}

Result<Limits> ParseLimitsJson(const std::string& text) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return DataLoss("the study's limits are no JSON object: ", text);
  Limits limits;
  Take(object, "max_bytes", limits.max_bytes);
  Take(object, "max_latency_us", limits.max_latency_us);
  Take(object, "max_arena_bytes", limits.max_arena_bytes);
  Take(object, "max_accuracy_drop", limits.max_accuracy_drop);
  Take(object, "min_accuracy", limits.min_accuracy);
  return limits;
}

Result<Summary> Summarize(const automation::Study& study) {
  Summary summary;
  TERSOR_ASSIGN_OR_RETURN(summary.facts, study.Facts());
  if (auto limits = summary.facts.find("limits"); limits != summary.facts.end()) {
    TERSOR_ASSIGN_OR_RETURN(summary.limits, ParseLimitsJson(limits->second));
  }
  TERSOR_ASSIGN_OR_RETURN(auto points, study.Points());
  for (Point& point : points) {
    if (point.state == PointState::kComplete) {
      summary.points.push_back(ReadPoint(std::move(point)));
    } else if (point.state == PointState::kFailed) {
      summary.failed.push_back(std::move(point));
    } else {
      summary.cut_off.push_back(std::move(point));
    }
  }
  std::vector<Measured> measured;
  for (const SummaryPoint& point : summary.points) {
    measured.push_back(point.measured);
    if (point.technique == "original") {
      summary.reference_top1 = std::max(summary.reference_top1, point.measured.top1);
    }
  }
  for (SummaryPoint& point : summary.points) {
    point.broken = BrokenLimits(point.measured, summary.limits, summary.reference_top1);
  }
  summary.front = ParetoFront(measured);
  std::vector<Measured> of_front;
  for (size_t i : summary.front) {
    summary.points[i].on_front = true;
    of_front.push_back(measured[i]);
  }
  if (const auto best = BestInside(of_front, summary.limits, summary.reference_top1)) {
    summary.best = summary.front[*best];
  } else {
    summary.best = BestInside(measured, summary.limits, summary.reference_top1);
  }
  if (!summary.best && !measured.empty()) {
    summary.nearest_miss = NearestMiss(measured, summary.limits, summary.reference_top1);
  }
  std::stable_sort(summary.front.begin(), summary.front.end(), [&](size_t a, size_t b) {
    return measured[a].top1 != measured[b].top1 ? measured[a].top1 > measured[b].top1
                                                : measured[a].file_bytes < measured[b].file_bytes;
  });
  return summary;
}

std::string NearestMissText(const Summary& summary) {
  if (!summary.nearest_miss) return "no model was measured";
  const SummaryPoint& nearest = summary.points[*summary.nearest_miss];
  std::string text =
      StrCat("no model is inside the limits: the nearest, ", nearest.point.name, ", has ");
  for (size_t i = 0; i < nearest.broken.size(); ++i) {
    text += (i == 0 ? "" : ", and ") + nearest.broken[i].text;
  }
  return text;
}

}  // namespace tersor::guide
