// What a study keeps: points, the metrics that they are measured by, and who is making which.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tersor/base/status.h"

namespace tersor::automation {

enum class Direction : uint8_t { kMinimize, kMaximize };

std::string_view DirectionName(Direction direction);  ///< "minimize", "maximize"

/// A quantity that points of a study have. Names are those of a variable: "latency_us".
struct Metric {
  std::string name;
  Direction direction = Direction::kMinimize;  ///< which way is better
  std::string unit;                            ///< "share" (in [0, 1]), "bytes", "us", "count", ...
  std::string title;                           ///< for people: "latency"
  /// Whether points compete by it. A metric that is no objective is reported and never selects.
  bool objective = false;
  /// Two values that differ by at most this share of the smaller one count as equal.
  double tolerance = 0;

  bool operator==(const Metric&) const = default;
};

enum class PointState : uint8_t {
  kRunning,   ///< begun; a worker makes it as long as its lease holds, otherwise it was cut off
  kComplete,  ///< measured, and its file is there
  kFailed,    ///< could not be made; `reason` says why
};

std::string_view PointStateName(PointState state);  ///< "running", "complete", "failed"

/// The metric that is the size of a point's file. A complete point that has it owns a file of
/// exactly so many bytes; a point without it has no file.
inline constexpr char kFileBytes[] = "file_bytes";

/// One model: how it was made, what it is worth and what it costs.
struct Point {
  int64_t id = 0;      ///< in order of their first beginning, from 1; 0: not stored yet
  std::string recipe;  ///< canonical JSON; a study holds one point for each recipe
  std::string name;    ///< for people
  std::string file;    ///< name in models/, of letters, digits, '.', '_' and '-'
  PointState state = PointState::kRunning;
  std::string reason;                             ///< of a failure
  std::map<std::string, double> metrics;          ///< values by name; finite
  std::map<std::string, std::string> attributes;  ///< whatever a user wants to keep with it
  int64_t created_unix_s = 0;                     ///< when it was (last) begun

  /// The lease. `attempt` counts how often the point was begun. A worker's writes carry the number
  /// of its attempt, so what a worker does after it has lost its lease is refused.
  int64_t attempt = 0;
  std::string owner;               ///< who makes it (owner.h); empty: nobody
  int64_t lease_ends_unix_ms = 0;  ///< a running point may be taken over from then on

  std::optional<double> metric(std::string_view metric_name) const;
  /// The attribute, or "" where the point has none of that name.
  std::string attribute(const std::string& attribute_name) const;

  bool operator==(const Point&) const = default;
};

/// The same JSON value in one form: keys sorted, no spaces. Fails on what is no JSON.
Result<std::string> CanonicalJson(std::string_view json);

/// The parameters of a recipe by flat names: {"a": {"b": 2}, "c": ["x"]} has "a.b" = "2" and
/// "c.0" = "x". A text stands without quotes, every other value as JSON writes it. Empty where
/// `recipe` is no JSON object.
std::map<std::string, std::string> FlatParameters(std::string_view recipe);

/// FNV-1a, 64 bits, as 16 hexadecimal digits.
std::string HashText(std::string_view text);

}  // namespace tersor::automation
