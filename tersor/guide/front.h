// The Pareto front: the models that no other one beats; and limits that a model has to keep. Both
// in any number of named metrics.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/automation/study/point.h"
#include "tersor/base/status.h"

namespace tersor::guide {

/// What was measured of a model, by the names of the metrics.
using Values = std::map<std::string, double>;

/// Whether a beats b: a is at least as good in every objective of `metrics`, and better in one of
/// them. Two values within the metric's tolerance are equally good. False where one of the two
/// lacks an objective: they cannot be compared.
bool Dominates(const Values& a, const Values& b, std::span<const automation::Metric> metrics);

/// The front of the points added so far, which are counted from 0. Adding one takes time
/// proportional to their number.
///
/// A point is on the front when no other one dominates it, so equal points are all on it. A point
/// that lacks an objective is not. The front is never empty, once there is a point with all
/// objectives, as long as at most two objectives have a tolerance; with three or more, points may
/// beat each other in a circle.
class Front {
 public:
  /// Only the objectives of `metrics` count.
  explicit Front(std::span<const automation::Metric> metrics);

  struct Change {
    bool on_front = false;           ///< the new point is on the front
    std::vector<size_t> pushed_out;  ///< points that the new one took off the front
  };
  Change Add(const Values& point);

  /// The points on the front, ascending.
  const std::vector<size_t>& points() const { return front_; }

 private:
  std::vector<automation::Metric> objectives_;
  std::vector<Values> all_;
  std::vector<size_t> front_;
};

/// The front of `points` at once: indices, ascending.
std::vector<size_t> ParetoFront(std::span<const Values> points,
                                std::span<const automation::Metric> metrics);

/// A bound on one metric, in the metric's own unit: an accuracy of 91 % is 0.91.
struct Limit {
  enum class Kind : uint8_t {
    kAtMost,
    kAtLeast,
    kMaxDrop,  ///< so much worse than the reference, at most
  };
  std::string metric;
  Kind kind = Kind::kAtMost;
  double bound = 0;

  bool operator==(const Limit&) const = default;
};

/// What the user allows. Without limits: anything.
using Limits = std::vector<Limit>;

/// One limit that a point breaks.
struct Violation {
  std::string metric;
  std::string text;   ///< "file of 120,400 bytes, limit 102,400"
  double excess = 0;  ///< by how much of the limit: 0.18. Of a share: the difference itself
};

/// The limits that `point` breaks. `reference` has the values of the model that nothing was done
/// to: kMaxDrop compares with it, and is kept where it lacks the metric. A point that lacks the
/// metric of a limit breaks it. A bound holds with a slack of 1e-9, for the rounding of
/// differences.
std::vector<Violation> BrokenLimits(const Values& point, const Limits& limits,
                                    const Values& reference,
                                    std::span<const automation::Metric> metrics);

/// Whether a is the better model: the first objective in which they differ decides (exactly,
/// without tolerance).
bool IsBetter(const Values& a, const Values& b, std::span<const automation::Metric> metrics);

/// The best point inside the limits, by IsBetter(): the most accurate; of equally accurate ones
/// that with the fewest bytes, then the least latency, and so on; of equal ones the first. Nothing
/// when there is none inside.
std::optional<size_t> BestInside(std::span<const Values> points, const Limits& limits,
                                 const Values& reference,
                                 std::span<const automation::Metric> metrics);

/// The point that misses the limits by the least: least largest excess. `points` is not empty.
size_t NearestMiss(std::span<const Values> points, const Limits& limits, const Values& reference,
                   std::span<const automation::Metric> metrics);

/// "1500", "1500 B", "100KB", "1.5 MB": 1 KB (also K, KiB) = 1,024 bytes, 1 MB = 1,024 KB, 1 GB =
/// 1,024 MB, in any case of letters. Fails on what is no positive size, with what was expected.
Result<int64_t> ParseSize(std::string_view text);

}  // namespace tersor::guide
