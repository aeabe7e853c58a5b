#include "tersor/compression/quantization/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tersor/base/options.h"
#include "tersor/base/random.h"

namespace tersor::compression {
namespace {

std::vector<float> Uniform(int64_t count, float low, float high, uint64_t seed = 1) {
  Random random(seed, 0);
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(low + (high - low) * random.NextFloat());
  return values;
}

std::vector<float> Normal(int64_t count, uint64_t seed = 1) {
  Random random(seed, 0);
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(random.NextNormal());
  return values;
}

Histogram Of(std::span<const float> values) {
  Histogram histogram;
  EXPECT_TRUE(histogram.Add(values).ok());
  return histogram;
}

TEST(Histogram, MinMaxIsWidenedToHoldZero) {
  const float values[] = {3, 5, 4};
  EXPECT_EQ(Of(values).Choose(CalibrationMethod::kMinMax, 0, 256), (Range{0, 5}));
  const float negative[] = {-3, -5};
  EXPECT_EQ(Of(negative).Choose(CalibrationMethod::kMinMax, 0, 256), (Range{-5, 0}));
  EXPECT_EQ(Histogram().Choose(CalibrationMethod::kMinMax, 0, 256), (Range{0, 0}));
}

TEST(Histogram, PercentileOfKnownDistributions) {
  const struct {
    std::vector<float> values;
    double percentile, low, high, tolerance;
  } cases[] = {
      {Uniform(100'000, -1, 1), 99, -0.99, 0.99, 0.01},
      {Uniform(100'000, 0, 10), 90, 0, 9.5, 0.1},  // the lower 5 % end at 0.5: widened to 0
      {Normal(200'000), 95.45, -2, 2, 0.03},       // two deviations
      {Normal(200'000), 99.73, -3, 3, 0.1},        // three
      {Uniform(1000, -2, 1), 100, -2, 1, 0.01},    // everything
  };
  for (const auto& c : cases) {
    const Range range = Of(c.values).Choose(CalibrationMethod::kPercentile, c.percentile, 256);
    EXPECT_NEAR(range.low, c.low, c.tolerance) << c.percentile;
    EXPECT_NEAR(range.high, c.high, c.tolerance) << c.percentile;
  }
}

TEST(Histogram, APercentileEndsAtTheOuterEdgeOfItsBin) {
  // Magnitudes below 4 have bins of 4 / 2048 = 1/512: 0.5 lies in the bin from 256/512 to 257/512.
  std::vector<float> values(999, 0.5f);
  values.push_back(3.9f);
  const Range above = Of(values).Choose(CalibrationMethod::kPercentile, 99, 256);
  EXPECT_EQ(above, (Range{0, 257.0 / 512}));
  for (float& value : values) value = -value;
  const Range below = Of(values).Choose(CalibrationMethod::kPercentile, 99, 256);
  EXPECT_EQ(below, (Range{-257.0 / 512, 0}));
}

// The mean squared error of rounding `values` to `levels` integers over a range, measured.
double MeasuredError(std::span<const float> values, const Range& range, int levels) {
  const double step = (range.high - range.low) / (levels - 1);
  double sum = 0;
  for (float x : values) {
    const double clipped = std::clamp(static_cast<double>(x), range.low, range.high);
    const double rounded = std::nearbyint(clipped / step) * step;
    sum += (x - rounded) * (x - rounded);
  }
  return sum;
}

TEST(Histogram, MseFindsARangeWithNoMoreErrorThanTheOthers) {
  std::vector<float> outlier = Normal(20'000);
  outlier.push_back(40);
  std::vector<float> relu = Normal(20'000, 2);
  for (float& x : relu) x = std::max(x, 0.0f);
  for (const auto& values : {Normal(20'000, 3), outlier, relu, Uniform(20'000, -1, 1)}) {
    for (int levels : {16, 256}) {
      const Histogram histogram = Of(values);
      const double mse =
          MeasuredError(values, histogram.Choose(CalibrationMethod::kMse, 0, levels), levels);
      const Range all = histogram.Choose(CalibrationMethod::kMinMax, 0, levels);
      EXPECT_LE(mse, 1.02 * MeasuredError(values, all, levels));
      for (double share : {0.3, 0.5, 0.7, 0.9}) {
        const Range part{all.low * share, all.high * share};
        EXPECT_LE(mse, 1.05 * MeasuredError(values, part, levels)) << share << ' ' << levels;
      }
    }
  }
}

TEST(Histogram, MseClipsAnOutlierAndKeepsAUniform) {
  std::vector<float> values = Normal(100'000);
  values.push_back(100);
  EXPECT_LT(Of(values).Choose(CalibrationMethod::kMse, 0, 16).high, 10);
  EXPECT_GT(Of(values).Choose(CalibrationMethod::kMinMax, 0, 16).high, 99);
  const Range range = Of(Uniform(10'000, -1, 1)).Choose(CalibrationMethod::kMse, 0, 256);
  EXPECT_GT(range.high, 0.97);
  EXPECT_LT(range.low, -0.97);
}

TEST(Histogram, OrderAndPartsDoNotMatter) {
  std::vector<float> values = Normal(5'000);
  for (size_t i = 0; i < values.size(); i += 7) values[i] *= 1000;
  for (size_t i = 0; i < values.size(); i += 5) values[i] = 0;
  const Histogram whole = Of(values);
  std::vector<float> reversed(values.rbegin(), values.rend());
  Histogram parts[3], merged;
  for (size_t i = 0; i < reversed.size(); ++i) {
    ASSERT_TRUE(parts[i % 3].Add({&reversed[i], 1}).ok());
  }
  for (const Histogram& part : {parts[2], parts[0], parts[1], Histogram()}) merged.Merge(part);
  EXPECT_EQ(merged.count(), 5'000);
  for (auto method :
       {CalibrationMethod::kMinMax, CalibrationMethod::kPercentile, CalibrationMethod::kMse}) {
    EXPECT_EQ(merged.Choose(method, 99, 256), whole.Choose(method, 99, 256)) << OptionName(method);
  }
}

TEST(Histogram, RefusesWhatIsNotFinite) {
  Histogram histogram;
  const float good[] = {1, 2};
  ASSERT_TRUE(histogram.Add(good).ok());
  for (float bad : {NAN, INFINITY, -INFINITY}) {
    const float values[] = {5, bad};
    EXPECT_EQ(histogram.Add(values).code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(histogram.count(), 2);
    EXPECT_EQ(histogram.max(), 2);
  }
}

TEST(Histogram, TakesTheSmallestAndTheLargestNumbers) {
  const float values[] = {std::numeric_limits<float>::denorm_min(), -1e-38f,
                          std::numeric_limits<float>::max()};
  EXPECT_EQ(Of(values).Choose(CalibrationMethod::kMinMax, 0, 256).high,
            std::numeric_limits<float>::max());
  const float tiny[] = {std::numeric_limits<float>::denorm_min()};
  EXPECT_GT(Of(tiny).Choose(CalibrationMethod::kMse, 0, 256).high, 0);
}

}  // namespace
}  // namespace tersor::compression
