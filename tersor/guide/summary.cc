#include "tersor/guide/summary.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace tersor::guide {
namespace {

using automation::Point;
using automation::PointState;
using nlohmann::json;

constexpr std::pair<Limit::Kind, const char*> kKinds[] = {{Limit::Kind::kAtMost, "at_most"},
                                                          {Limit::Kind::kAtLeast, "at_least"},
                                                          {Limit::Kind::kMaxDrop, "max_drop"}};

// Schema 1 had five limits, with accuracies in percent.
Limits ReadOldLimits(const json& object) {
  constexpr double kPercent = 0.01;
  const struct {
    const char* key;
    Limit limit;
  } kOld[] = {{"max_bytes", {kFileBytes, Limit::Kind::kAtMost, 1}},
              {"max_latency_us", {kLatencyUs, Limit::Kind::kAtMost, 1}},
              {"max_arena_bytes", {kArenaBytes, Limit::Kind::kAtMost, 1}},
              {"max_accuracy_drop", {kValidationTop1, Limit::Kind::kMaxDrop, kPercent}},
              {"min_accuracy", {kValidationTop1, Limit::Kind::kAtLeast, kPercent}}};
  Limits limits;
  for (const auto& [key, limit] : kOld) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number()) continue;
    limits.push_back(limit);
    limits.back().bound *= found->get<double>();
  }
  return limits;
}

}  // namespace

std::string LimitsJson(const Limits& limits) {
  json list = json::array();
  for (const Limit& limit : limits) {
    json entry = {{"metric", limit.metric}};
    for (const auto& [kind, name] : kKinds) {
      if (kind == limit.kind) entry[name] = limit.bound;
    }
    list.push_back(std::move(entry));
  }
  return list.dump();
}

Result<Limits> ParseLimitsJson(const std::string& text) {
  const json value = json::parse(text, nullptr, false);
  if (value.is_object()) return ReadOldLimits(value);
  if (!value.is_array()) return DataLoss("the study's limits are no JSON list: ", text);
  Limits limits;
  for (const json& entry : value) {
    Limit limit;
    const auto metric = entry.is_object() ? entry.find("metric") : entry.end();
    const auto* kind = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& row) {
      return entry.is_object() && entry.contains(row.second) && entry[row.second].is_number();
    });
    if (metric == entry.end() || !metric->is_string() || kind == std::end(kKinds)) {
      return DataLoss("a limit of the study is ", entry.dump(),
                      ", expected a metric and at_most, at_least or max_drop");
    }
    limits.push_back({metric->get<std::string>(), kind->first, entry[kind->second].get<double>()});
  }
  return limits;
}

Result<Summary> Summarize(const automation::Study& study) {
  Summary summary;
  TERSOR_ASSIGN_OR_RETURN(summary.metrics, study.Metrics());
  TERSOR_ASSIGN_OR_RETURN(summary.facts, study.Facts());
  if (auto limits = summary.facts.find("limits"); limits != summary.facts.end()) {
    TERSOR_ASSIGN_OR_RETURN(summary.limits, ParseLimitsJson(limits->second));
  }
  TERSOR_ASSIGN_OR_RETURN(auto points, study.Points());
  for (Point& point : points) {
    if (point.state == PointState::kComplete) {
      const bool reference = point.attribute(kReferenceAttribute) == kYes;
      summary.points.push_back({std::move(point), reference, false, {}});
    } else if (point.state == PointState::kFailed) {
      summary.failed.push_back(std::move(point));
    } else {
      summary.unfinished.push_back(std::move(point));
    }
  }
  std::vector<Values> measured;
  for (const SummaryPoint& point : summary.points) measured.push_back(point.point.metrics);
  for (size_t i = 0; i < measured.size(); ++i) {
    if (!summary.points[i].reference) continue;
    auto& reference = summary.reference;
    if (!reference || IsBetter(measured[i], measured[*reference], summary.metrics)) reference = i;
  }
  const Values reference = summary.reference ? measured[*summary.reference] : Values();
  for (SummaryPoint& point : summary.points) {
    point.broken = BrokenLimits(point.point.metrics, summary.limits, reference, summary.metrics);
  }
  summary.front = ParetoFront(measured, summary.metrics);
  std::vector<Values> of_front;
  for (size_t i : summary.front) {
    summary.points[i].on_front = true;
    of_front.push_back(measured[i]);
  }
  if (const auto best = BestInside(of_front, summary.limits, reference, summary.metrics)) {
    summary.best = summary.front[*best];
  } else {
    summary.best = BestInside(measured, summary.limits, reference, summary.metrics);
  }
  if (!summary.best && !measured.empty()) {
    summary.nearest_miss = NearestMiss(measured, summary.limits, reference, summary.metrics);
  }
  std::stable_sort(summary.front.begin(), summary.front.end(), [&](size_t a, size_t b) {
    return IsBetter(measured[a], measured[b], summary.metrics);
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
