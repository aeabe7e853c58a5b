// The Pareto front: the models that no other one beats; and limits that a model has to keep.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"

namespace tersor::guide {

/// What a model is worth and what it costs, as measured on its finished file.
struct Measured {
  double top1 = 0;  ///< in [0, 1], on the split that selects; more is better
  int64_t file_bytes = 0;
  double latency_us = 0;
  int64_t arena_bytes = 0;
};

/// Two latencies that differ by less than this share of the smaller are taken for equal: a clock is
/// never so exact that a model should be kept for a tenth of a microsecond.
inline constexpr double kLatencyTolerance = 0.05;

/// a beats b: a is no worse in accuracy, bytes, latency and arena, and better in one of them.
bool Dominates(const Measured& a, const Measured& b, double latency_tolerance = kLatencyTolerance);

/// Indices, ascending, of the points that no other one dominates. Equal points are all kept. Not
/// empty unless `points` is. Time: quadratic.
std::vector<size_t> ParetoFront(std::span<const Measured> points,
                                double latency_tolerance = kLatencyTolerance);

/// What the user allows. Absent: anything.
struct Limits {
  std::optional<int64_t> max_bytes;  ///< of the file
  std::optional<double> max_latency_us;
  std::optional<int64_t> max_arena_bytes;
  std::optional<double> max_accuracy_drop;  ///< in percentage points, below the reference's top-1
  std::optional<double> min_accuracy;       ///< in percent

  bool any() const {
    return max_bytes || max_latency_us || max_arena_bytes || max_accuracy_drop || min_accuracy;
  }
};

/// One limit that a point breaks.
struct Violation {
  std::string what;   ///< "bytes", "latency", "arena", "accuracy drop" or "accuracy"
  std::string text;   ///< "file of 120,400 bytes, limit 102,400"
  double excess = 0;  ///< by how much of the limit: 0.18
};

/// The limits that `point` breaks. `reference_top1`: of the model that nothing was done to. An
/// accuracy is held against its limit with a slack of 1e-9, for the rounding of the subtraction.
std::vector<Violation> BrokenLimits(const Measured& point, const Limits& limits,
                                    double reference_top1);

/// The best point inside the limits: the most accurate; of equally accurate ones that with the
/// fewest bytes, then the least latency, then the first. Nothing when there is none inside.
std::optional<size_t> BestInside(std::span<const Measured> points, const Limits& limits,
                                 double reference_top1);

/// The point that misses the limits by the least: least largest excess. `points` is not empty.
size_t NearestMiss(std::span<const Measured> points, const Limits& limits, double reference_top1);

/// "1500", "1500 B", "100KB", "1.5 MB": 1 KB (also K, KiB) = 1,024 bytes, 1 MB = 1,024 KB, 1 GB =
/// 1,024 MB, in any case of letters. Fails on what is no positive size, with what was expected.
Result<int64_t> ParseSize(std::string_view text);

/// "12,345".
std::string Grouped(int64_t number);

}  // namespace tersor::guide
