#include "tersor/compression/quantization/histogram.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace tersor::compression {
namespace {

// Bounds that the least-error search tries on either side: shares k / kSteps of the largest value.
constexpr int kSteps = 128;

// One side of a histogram: how many values lie beyond a bound, and by how much.
class Tail {
 public:
  Tail(const std::array<int64_t, Histogram::kBins>& bins, double width) : width_(width) {
    for (size_t i = 0; i < bins.size(); ++i) {
      const double n = static_cast<double>(bins[i]), x = (static_cast<double>(i) + 0.5) * width;
      count_[i + 1] = count_[i] + n;
      sum_[i + 1] = sum_[i] + n * x;
      squares_[i + 1] = squares_[i] + n * x * x;
    }
  }

  // Sum over the values beyond `bound` of (x - bound)^2.
  double ClippingError(double bound) const {
    const size_t i = Bin(bound);
    const double n = count_.back() - count_[i], s = sum_.back() - sum_[i];
    return std::max(0.0, squares_.back() - squares_[i] - 2 * bound * s + bound * bound * n);
  }

 private:
  size_t Bin(double bound) const {
    return static_cast<size_t>(std::clamp(std::ceil(bound / width_), 0.0, 1.0 * Histogram::kBins));
  }

  double width_;
  std::array<double, Histogram::kBins + 1> count_{}, sum_{}, squares_{};
};

}  // namespace

double Histogram::bin_width() const { return std::ldexp(1.0 / kBins, exponent_); }

void Histogram::Widen(int exponent) {
  if (exponent <= exponent_) return;
  if (exponent_ != kNoExponent) {
    const int shift = std::min(exponent - exponent_, 31);
    for (auto* bins : {&below_, &above_}) {
      std::array<int64_t, kBins> merged{};
      for (size_t i = 0; i < kBins; ++i) merged[i >> shift] += (*bins)[i];
      *bins = merged;
    }
  }
  exponent_ = exponent;
}

Status Histogram::Add(std::span<const float> values) {
  if (values.empty()) return OkStatus();
  float low = values[0], high = values[0];
  bool finite = true;
  for (float x : values) {
    finite = finite && std::isfinite(x);
    low = std::min(low, x);
    high = std::max(high, x);
  }
  if (!finite) {
    const auto bad =
        std::find_if(values.begin(), values.end(), [](float x) { return !std::isfinite(x); });
    return InvalidArgument("a value is ", std::isnan(*bad) ? "not a number" : "infinite");
  }
  min_ = count_ == 0 ? low : std::min(min_, low);
  max_ = count_ == 0 ? high : std::max(max_, high);
  const float largest = std::max(std::fabs(low), std::fabs(high));
  if (largest > 0) Widen(std::ilogb(largest) + 1);
  const double per_width = 1 / bin_width();
  for (float x : values) {
    if (x == 0) {
      ++zeros_;
      continue;
    }
    auto& bins = x < 0 ? below_ : above_;
    const auto bin = static_cast<size_t>(std::fabs(static_cast<double>(x)) * per_width);
    ++bins[bin];
  }
  count_ += static_cast<int64_t>(values.size());
  return OkStatus();
}

void Histogram::Merge(const Histogram& other) {
  if (other.count_ == 0) return;
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = count_ == 0 ? other.max_ : std::max(max_, other.max_);
  Histogram widened = other;
  const int exponent = std::max(exponent_, other.exponent_);
  widened.Widen(exponent);
  Widen(exponent);
  for (size_t i = 0; i < kBins; ++i) {
    below_[i] += widened.below_[i];
    above_[i] += widened.above_[i];
  }
  count_ += other.count_;
  zeros_ += other.zeros_;
}

Range Histogram::Percentile(double percentile) const {
  const double outside = static_cast<double>(count_) * (1 - percentile / 100) / 2;
  // Walks in from the end until more than `outside` values are behind; the bin's outer edge stays.
  auto walk = [&](bool from_top) {
    double passed = 0;
    const auto& outer = from_top ? above_ : below_;
    const auto& inner = from_top ? below_ : above_;
    const double sign = from_top ? 1 : -1;
    for (int i = kBins - 1; i >= 0; --i) {
      passed += static_cast<double>(outer[static_cast<size_t>(i)]);
      if (passed > outside) return sign * (i + 1) * bin_width();
    }
    passed += static_cast<double>(zeros_);
    if (passed > outside) return 0.0;
    for (int i = 0; i < kBins; ++i) {
      passed += static_cast<double>(inner[static_cast<size_t>(i)]);
      if (passed > outside) return -sign * i * bin_width();
    }
    return 0.0;
  };
  const double low = walk(false), high = walk(true);
  return {std::max(low, static_cast<double>(min_)), std::min(high, static_cast<double>(max_))};
}

Range Histogram::LeastError(int levels) const {
  const double width = bin_width();
  const Tail negative(below_, width), positive(above_, width);
  const double low = std::min(0.0, static_cast<double>(min_));
  const double high = std::max(0.0, static_cast<double>(max_));
  const double nonzero = static_cast<double>(count_ - zeros_);
  Range best{low, high};
  double least = -1;
  for (int i = low < 0 ? kSteps : 0; i >= (low < 0 ? 1 : 0); --i) {
    for (int j = high > 0 ? kSteps : 0; j >= (high > 0 ? 1 : 0); --j) {
      const Range tried{low * i / kSteps, high * j / kSteps};
      const double step = (tried.high - tried.low) / (levels - 1);
      // A value inside is rounded: step^2 / 12 on average. Exact zeros stay exact.
      const double error = negative.ClippingError(-tried.low) + positive.ClippingError(tried.high) +
                           nonzero * step * step / 12;
      if (least < 0 || error < least) {
        least = error;
        best = tried;
      }
    }
  }
  return best;
}

Range Histogram::Choose(CalibrationMethod method, double percentile, int levels) const {
  Range range{min_, max_};
  if (method == CalibrationMethod::kPercentile && max_ != min_) range = Percentile(percentile);
  if (method == CalibrationMethod::kMse && max_ != min_) range = LeastError(levels);
  return {std::min(range.low, 0.0), std::max(range.high, 0.0)};
}

}  // namespace tersor::compression
