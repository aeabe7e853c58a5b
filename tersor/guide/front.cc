#include "tersor/guide/front.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include "tersor/guide/metrics.h"

namespace tersor::guide {

using automation::Direction;
using automation::Metric;

namespace {

std::optional<double> ValueOf(const Values& values, const std::string& metric) {
  const auto found = values.find(metric);
  return found == values.end() ? std::nullopt : std::optional<double>(found->second);
}

// By how much a is better than b, below 0: worse.
double Advantage(const Metric& metric, double a, double b) {
  return metric.direction == Direction::kMaximize ? a - b : b - a;
}

bool HasAll(const Values& point, std::span<const Metric> objectives) {
  return std::all_of(objectives.begin(), objectives.end(), [&](const Metric& metric) {
    return !metric.objective || point.count(metric.name) > 0;
  });
}

// Says how `value` breaks the limit, if it does.
std::optional<Violation> Break(const Metric& metric, const Limit& limit, double value,
                               std::optional<double> reference) {
  constexpr double kSlack = 1e-9;
  double excess = 0;  // in the metric's unit
  std::string text;
  switch (limit.kind) {
    case Limit::Kind::kAtMost:
      excess = value - limit.bound;
      text = StrCat(metric.title, " of ", ValueText(metric, value), ", limit ",
                    NumberText(metric, limit.bound));
      break;
    case Limit::Kind::kAtLeast:
      excess = limit.bound - value;
      text = StrCat(metric.title, " of ", ValueText(metric, value), ", at least ",
                    ValueText(metric, limit.bound), " asked for");
      break;
    case Limit::Kind::kMaxDrop: {
      if (!reference) return std::nullopt;
      const double drop = -Advantage(metric, value, *reference);
      excess = drop - limit.bound;
      // A difference of two percentages is given in points.
      const std::string amount = metric.unit == "share"
                                     ? StrCat(NumberText(metric, drop), " points")
                                     : ValueText(metric, drop);
      text = StrCat(metric.title, " drop of ", amount, ", limit ", NumberText(metric, limit.bound));
    }
  }
  if (excess <= kSlack * std::max(std::fabs(limit.bound), 1.0)) return std::nullopt;
  if (metric.unit != "share") excess /= std::max(std::fabs(limit.bound), kSlack);
  return Violation{metric.name, std::move(text), excess};
}

double LargestExcess(const Values& point, const Limits& limits, const Values& reference,
                     std::span<const Metric> metrics) {
  double largest = 0;
  for (const Violation& violation : BrokenLimits(point, limits, reference, metrics)) {
    largest = std::max(largest, violation.excess);
  }
  return largest;
}

}  // namespace

bool Dominates(const Values& a, const Values& b, std::span<const Metric> metrics) {
  bool better = false;
  for (const Metric& metric : metrics) {
    if (!metric.objective) continue;
    const auto x = ValueOf(a, metric.name), y = ValueOf(b, metric.name);
    if (!x || !y) return false;
    const double smaller = std::min(std::fabs(*x), std::fabs(*y));
    if (std::fabs(*x - *y) <= metric.tolerance * smaller) continue;
    if (Advantage(metric, *x, *y) < 0) return false;
    better = true;
  }
  return better;
}

Front::Front(std::span<const Metric> metrics) {
  std::copy_if(metrics.begin(), metrics.end(), std::back_inserter(objectives_),
               [](const Metric& metric) { return metric.objective; });
}

// With a tolerance, beating is not transitive: a point that has been beaten may still beat others.
// So a new point is compared with all, not with the front alone.
Front::Change Front::Add(const Values& point) {
  Change change;
  change.on_front = HasAll(point, objectives_) &&
                    std::none_of(all_.begin(), all_.end(), [&](const Values& other) {
                      return Dominates(other, point, objectives_);
                    });
  std::erase_if(front_, [&](size_t index) {
    if (!Dominates(point, all_[index], objectives_)) return false;
    change.pushed_out.push_back(index);
    return true;
  });
  if (change.on_front) front_.push_back(all_.size());
  all_.push_back(point);
  return change;
}

std::vector<size_t> ParetoFront(std::span<const Values> points, std::span<const Metric> metrics) {
  Front front(metrics);
  for (const Values& point : points) front.Add(point);
  return front.points();
}

std::vector<Violation> BrokenLimits(const Values& point, const Limits& limits,
                                    const Values& reference, std::span<const Metric> metrics) {
  std::vector<Violation> broken;
  for (const Limit& limit : limits) {
    const Metric* metric = FindMetric(metrics, limit.metric);
    const auto value = ValueOf(point, limit.metric);
    if (metric == nullptr || !value) {
      broken.push_back({limit.metric, StrCat("no ", limit.metric, ", which has a limit"),
                        std::numeric_limits<double>::infinity()});
      continue;
    }
    auto violation = Break(*metric, limit, *value, ValueOf(reference, limit.metric));
    if (violation) broken.push_back(*std::move(violation));
  }
  return broken;
}

bool IsBetter(const Values& a, const Values& b, std::span<const Metric> metrics) {
  for (const Metric& metric : metrics) {
    if (!metric.objective) continue;
    const auto x = ValueOf(a, metric.name), y = ValueOf(b, metric.name);
    if (x.has_value() != y.has_value()) return x.has_value();
    if (x && *x != *y) return Advantage(metric, *x, *y) > 0;
  }
  return false;
}

std::optional<size_t> BestInside(std::span<const Values> points, const Limits& limits,
                                 const Values& reference, std::span<const Metric> metrics) {
  std::optional<size_t> best;
  for (size_t i = 0; i < points.size(); ++i) {
    if (!BrokenLimits(points[i], limits, reference, metrics).empty()) continue;
    if (!best || IsBetter(points[i], points[*best], metrics)) best = i;
  }
  return best;
}

size_t NearestMiss(std::span<const Values> points, const Limits& limits, const Values& reference,
                   std::span<const Metric> metrics) {
  size_t nearest = 0;
  for (size_t i = 1; i < points.size(); ++i) {
    if (LargestExcess(points[i], limits, reference, metrics) <
        LargestExcess(points[nearest], limits, reference, metrics)) {
      nearest = i;
    }
  }
  return nearest;
}

Result<int64_t> ParseSize(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 11> kUnits = {{{"", 1},
                                                                           {"b", 1},
                                                                           {"k", 1024},
                                                                           {"kb", 1024},
                                                                           {"kib", 1024},
                                                                           {"m", 1048576},
                                                                           {"mb", 1048576},
                                                                           {"mib", 1048576},
                                                                           {"g", 1073741824},
                                                                           {"gb", 1073741824},
                                                                           {"gib", 1073741824}}};
  auto fail = [&] {
    return InvalidArgument("'", text,
                           "' is not a size, expected a number above 0 with B, KB, MB or GB");
  };
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  if (digits == 0) return fail();
  const std::string number(text.substr(0, digits));
  char* end = nullptr;
  const double value = std::strtod(number.c_str(), &end);
  if (*end != '\0') return fail();
  std::string unit;
  for (char c : text.substr(digits)) {
    if (c != ' ') unit += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  const auto* found = std::find_if(kUnits.begin(), kUnits.end(),
                                   [&](const auto& row) { return row.first == unit; });
  if (found == kUnits.end()) return fail();
  const double bytes = value * found->second;
  constexpr double kMost = 9e18;
  if (!(bytes >= 1 && bytes < kMost)) return fail();
  return static_cast<int64_t>(bytes);
}

}  // namespace tersor::guide
