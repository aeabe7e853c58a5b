#include "tersor/guide/front.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <tuple>
#include <utility>

namespace tersor::guide {
namespace {

constexpr double kAccuracySlack = 1e-9;

// Limits that are upper bounds of something that is measured.
void CheckMost(std::vector<Violation>& broken, const char* what, std::string text, double found,
               double limit) {
  if (found <= limit) return;
  broken.push_back({what, std::move(text), found / std::max(limit, 1e-9) - 1});
}

std::string Decimals(double number, int decimals) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, number);
  return text;
}

double LargestExcess(const Measured& point, const Limits& limits, double reference_top1) {
  double largest = 0;
  for (const Violation& violation : BrokenLimits(point, limits, reference_top1)) {
    largest = std::max(largest, violation.excess);
  }
  return largest;
}

}  // namespace

bool Dominates(const Measured& a, const Measured& b, double latency_tolerance) {
  const double smaller = std::min(a.latency_us, b.latency_us);
  const bool same_latency = std::fabs(a.latency_us - b.latency_us) <= latency_tolerance * smaller;
  const bool no_slower = same_latency || a.latency_us < b.latency_us;
  if (a.top1 < b.top1 || a.file_bytes > b.file_bytes || a.arena_bytes > b.arena_bytes ||
      !no_slower) {
    return false;
  }
  return a.top1 > b.top1 || a.file_bytes < b.file_bytes || a.arena_bytes < b.arena_bytes ||
         !same_latency;
}

std::vector<size_t> ParetoFront(std::span<const Measured> points, double latency_tolerance) {
  std::vector<size_t> front;
  for (size_t i = 0; i < points.size(); ++i) {
    const bool beaten = std::any_of(points.begin(), points.end(), [&](const Measured& other) {
      return Dominates(other, points[i], latency_tolerance);
    });
    if (!beaten) front.push_back(i);
  }
  return front;
}

std::vector<Violation> BrokenLimits(const Measured& point, const Limits& limits,
                                    double reference_top1) {
  std::vector<Violation> broken;
  if (limits.max_bytes) {
    CheckMost(
        broken, "bytes",
        StrCat("file of ", Grouped(point.file_bytes), " bytes, limit ", Grouped(*limits.max_bytes)),
        static_cast<double>(point.file_bytes), static_cast<double>(*limits.max_bytes));
  }
  if (limits.max_latency_us) {
    CheckMost(broken, "latency",
              StrCat("latency of ", Decimals(point.latency_us, 1), " us, limit ",
                     Decimals(*limits.max_latency_us, 1)),
              point.latency_us, *limits.max_latency_us);
  }
  if (limits.max_arena_bytes) {
    CheckMost(broken, "arena",
              StrCat("arena of ", Grouped(point.arena_bytes), " bytes, limit ",
                     Grouped(*limits.max_arena_bytes)),
              static_cast<double>(point.arena_bytes), static_cast<double>(*limits.max_arena_bytes));
  }
  const double drop = 100 * (reference_top1 - point.top1);
  if (limits.max_accuracy_drop && drop > *limits.max_accuracy_drop + kAccuracySlack) {
    broken.push_back({"accuracy drop",
                      StrCat("accuracy drop of ", Decimals(drop, 2), " points, limit ",
                             Decimals(*limits.max_accuracy_drop, 2)),
                      (drop - *limits.max_accuracy_drop) / 100});
  }
  const double percent = 100 * point.top1;
  if (limits.min_accuracy && percent < *limits.min_accuracy - kAccuracySlack) {
    broken.push_back({"accuracy",
                      StrCat("accuracy of ", Decimals(percent, 2), " %, at least ",
                             Decimals(*limits.min_accuracy, 2), " % asked for"),
                      (*limits.min_accuracy - percent) / 100});
  }
  return broken;
}

std::optional<size_t> BestInside(std::span<const Measured> points, const Limits& limits,
                                 double reference_top1) {
  std::optional<size_t> best;
  auto rank = [&](size_t i) {
    return std::make_tuple(-points[i].top1, points[i].file_bytes, points[i].latency_us, i);
  };
  for (size_t i = 0; i < points.size(); ++i) {
    if (!BrokenLimits(points[i], limits, reference_top1).empty()) continue;
    if (!best || rank(i) < rank(*best)) best = i;
  }
  return best;
}

size_t NearestMiss(std::span<const Measured> points, const Limits& limits, double reference_top1) {
  size_t nearest = 0;
  for (size_t i = 1; i < points.size(); ++i) {
    if (LargestExcess(points[i], limits, reference_top1) <
        LargestExcess(points[nearest], limits, reference_top1)) {
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
                           "' is no size, expected a number above 0 and B, KB, MB or GB");
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

std::string Grouped(int64_t number) {
  std::string digits = std::to_string(number);
  const size_t first = number < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

}  // namespace tersor::guide
