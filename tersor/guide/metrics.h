// The metrics of a model, as `shrink` measures them on its finished file.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tersor/automation/study/point.h"

namespace tersor::guide {

inline constexpr char kValidationTop1[] = "validation_top1";  ///< selects
inline constexpr char kTestTop1[] = "test_top1";              ///< reported, never selects
using automation::kFileBytes;
inline constexpr char kLatencyUs[] = "latency_us";
inline constexpr char kArenaBytes[] = "arena_bytes";
inline constexpr char kMacs[] = "macs";
inline constexpr char kParameters[] = "parameters";

/// All of the above. The objectives come first, in the order in which they decide between two
/// models (BestInside in guide/front.h).
std::span<const automation::Metric> ModelMetrics();

/// "12,345".
std::string Grouped(int64_t number);

/// "0.50": with so many digits after the point.
std::string Decimals(double number, int decimals);

/// A value of a metric for people, without and with its unit: "102,400" and "102,400 bytes", "80.0"
/// and "80.0 us", "90.50" and "90.50 %", "12,345" for a count; of another unit with up to six
/// digits.
std::string NumberText(const automation::Metric& metric, double value);
std::string ValueText(const automation::Metric& metric, double value);

/// The metric of that name, or null.
const automation::Metric* FindMetric(std::span<const automation::Metric> metrics,
                                     std::string_view name);

}  // namespace tersor::guide
