// What a study says when it is read as a whole: the front, the best model inside the limits, what
// failed, and what made it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tersor/automation/study/study.h"
#include "tersor/base/status.h"
#include "tersor/guide/front.h"
#include "tersor/guide/metrics.h"

namespace tersor::guide {

/// The attributes that `shrink` keeps with a point, beside its recipe.
inline constexpr char kModelAttribute[] = "model";          ///< name of the model that it came from
inline constexpr char kTechniqueAttribute[] = "technique";  ///< for people: "full-integer"
inline constexpr char kFormatAttribute[] = "format";        ///< of its file: "tersor"
inline constexpr char kNormalizeAttribute[] = "normalize";  ///< of its images (data/normalize.h)
inline constexpr char kReferenceAttribute[] = "reference";  ///< kYes: nothing was done to the model
inline constexpr char kYes[] = "yes";

/// A complete point, read.
struct SummaryPoint {
  automation::Point point;
  bool reference = false;  ///< nothing was done to this model: others are compared with it
  bool on_front = false;
  std::vector<Violation> broken;  ///< limits
};

struct Summary {
  std::vector<automation::Metric> metrics;
  std::vector<SummaryPoint> points;           ///< complete ones, by id
  std::vector<size_t> front;                  ///< of `points`, best first (IsBetter)
  std::optional<size_t> best;                 ///< of `points`, inside the limits
  std::optional<size_t> nearest_miss;         ///< of `points`, when there is no best
  std::optional<size_t> reference;            ///< of `points`, the best of the references
  std::vector<automation::Point> failed;      ///< by id
  std::vector<automation::Point> unfinished;  ///< being made, or cut off
  Limits limits;
  std::map<std::string, std::string> facts;
};

/// The best is one of the front where one of the front keeps the limits.
Result<Summary> Summarize(const automation::Study& study);

/// How limits are kept in a study, as the fact "limits": [{"metric": "file_bytes", "at_most":
/// 102400}]; the other kinds are "at_least" and "max_drop". Reads what studies of schema 1 say,
/// too.
std::string LimitsJson(const Limits& limits);
Result<Limits> ParseLimitsJson(const std::string& json);

/// "no model is inside the limits: the nearest, NAME, has file of ... bytes, limit ...".
std::string NearestMissText(const Summary& summary);

}  // namespace tersor::guide
