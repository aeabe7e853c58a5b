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
#include "tersor/data/normalize.h"
#include "tersor/guide/front.h"

namespace tersor::guide {

/// A complete point, read.
struct SummaryPoint {
  automation::Point point;
  Measured measured;
  std::string technique, format;
  data::Normalize normalize = data::Normalize::kSigned;
  bool on_front = false;
  std::vector<Violation> broken;  ///< limits
};

struct Summary {
  std::vector<SummaryPoint> points;                ///< complete ones, by id
  std::vector<size_t> front;                       ///< of `points`, by descending accuracy
  std::optional<size_t> best;                      ///< of `points`, inside the limits
  std::optional<size_t> nearest_miss;              ///< of `points`, when there is no best
  double reference_top1 = 0;                       ///< of the most accurate original
  std::vector<automation::Point> failed, cut_off;  ///< those that are not complete
  Limits limits;
  std::map<std::string, std::string> facts;
};

/// The best is one of the front where one of the front keeps the limits.
Result<Summary> Summarize(const automation::Study& study);

/// How limits are kept in a study, as the fact "limits".
std::string LimitsJson(const Limits& limits);
Result<Limits> ParseLimitsJson(const std::string& json);

/// "no model is inside the limits: the nearest, NAME, has file of ... bytes, limit ...".
std::string NearestMissText(const Summary& summary);

}  // namespace tersor::guide
