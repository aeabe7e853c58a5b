// What calibration remembers of one tensor, and the range that a method chooses from it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "tersor/base/status.h"

namespace tersor::compression {

/// How the range that the integers cover is chosen from what was seen.
enum class CalibrationMethod : uint8_t {
  kMinMax,      ///< all of it: nothing is clipped
  kPercentile,  ///< the middle `percentile` percent: outliers are clipped
  kMse,         ///< least mean squared error of clipping and rounding together
};

inline constexpr std::string_view kCalibrationMethodNames[] = {"min-max", "percentile", "mse"};
constexpr std::span<const std::string_view> OptionNames(CalibrationMethod) {
  return kCalibrationMethodNames;
}

/// Real numbers that an integer type has to cover.
struct Range {
  double low = 0;
  double high = 0;

  bool operator==(const Range&) const = default;
};

/// Counts of the values of a tensor in fixed memory: 2,048 bins of one width on either side of 0,
/// that cover the magnitudes below a power of two. A larger value doubles that power, and pairs of
/// bins become one. Bins so depend on the set of values alone, not on their order: adding in parts
/// and merging the parts gives the same counts as adding everything to one.
class Histogram {
 public:
  static constexpr int kBins = 2048;  ///< a side

  /// Fails on a value that is not finite, without counting anything of `values`.
  Status Add(std::span<const float> values);
  void Merge(const Histogram& other);

  int64_t count() const { return count_; }  ///< values added
  float min() const { return min_; }        ///< 0 when nothing was added
  float max() const { return max_; }

  /// The range that `method` chooses for `levels` integers (256 for 8 bits), widened to hold 0.
  /// `percentile` in (0, 100] is used by kPercentile alone; half of what it leaves out may go at
  /// either end.
  Range Choose(CalibrationMethod method, double percentile, int levels) const;

 private:
  void Widen(int exponent);
  double bin_width() const;
  Range Percentile(double percentile) const;
  Range LeastError(int levels) const;

  int exponent_ = kNoExponent;  ///< magnitudes below 2^exponent_ have bins
  static constexpr int kNoExponent = -1000;
  int64_t count_ = 0, zeros_ = 0;
  float min_ = 0, max_ = 0;
  std::array<int64_t, kBins> below_{}, above_{};  ///< by magnitude, of negative and other values
};

}  // namespace tersor::compression
