#include "tersor/guide/metrics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

namespace tersor::guide {

using automation::Direction;
using automation::Metric;

std::span<const Metric> ModelMetrics() {
  constexpr bool kObjective = true;
  // A clock is never so exact that a model should be kept for a tenth of a microsecond.
  constexpr double kLatencyTolerance = 0.05;
  static const std::vector<Metric> metrics = {
      {kValidationTop1, Direction::kMaximize, "share", "accuracy", kObjective, 0},
      {kTestTop1, Direction::kMaximize, "share", "test accuracy", false, 0},
      {kFileBytes, Direction::kMinimize, "bytes", "file", kObjective, 0},
      {kLatencyUs, Direction::kMinimize, "us", "latency", kObjective, kLatencyTolerance},
      {kArenaBytes, Direction::kMinimize, "bytes", "arena", kObjective, 0},
      {kMacs, Direction::kMinimize, "count", "MACs", false, 0},
      {kParameters, Direction::kMinimize, "count", "parameters", false, 0},
  };
  return metrics;
}

std::string Grouped(int64_t number) {
  std::string digits = std::to_string(number);
  const size_t first = number < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string Decimals(double number, int decimals) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, number);
  return text;
}

std::string NumberText(const Metric& metric, double value) {
  if (metric.unit == "share") return Decimals(100 * value, 2);
  if (metric.unit == "us") return Decimals(value, 1);
  if (metric.unit == "bytes" || metric.unit == "count") return Grouped(std::llround(value));
  char text[64];
  std::snprintf(text, sizeof(text), "%g", value);
  return text;
}

std::string ValueText(const Metric& metric, double value) {
  std::string number = NumberText(metric, value);
  if (metric.unit.empty() || metric.unit == "count") return number;
  return StrCat(number, " ", metric.unit == "share" ? "%" : metric.unit);
}

const Metric* FindMetric(std::span<const Metric> metrics, std::string_view name) {
  const auto found = std::find_if(metrics.begin(), metrics.end(),
                                  [&](const Metric& metric) { return metric.name == name; });
  return found == metrics.end() ? nullptr : &*found;
}

}  // namespace tersor::guide
