#include "tersor/compression/quantization/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace tersor::compression {
namespace {

using testing::ElementsAre;

TEST(ActivationParameters, OfRanges) {
  const struct {
    Range range;
    double scale;
    int32_t zero_point;
  } cases[] = {
      {{-1, 1}, 1.0 / 127, -1},    // pixels in [-1, 1]: none half-way between two levels but 0
      {{0, 6}, 6.0 / 255, -128},   // relu6
      {{-3, 0}, 3.0 / 255, 127},   //
      {{2, 5}, 5.0 / 255, -128},   // widened to 0
      {{-5, -2}, 5.0 / 255, 127},  //
      {{-1, 3}, 3.0 / 191, -64},   //
      {{0, 255}, 1, -128},         // raw pixels
      {{0, 0}, 1, 0},              // nothing was seen
      {{0, 1e-30}, 1e-18, -128},   // 1 / scale stays finite
  };
  for (const auto& c : cases) {
    const Quantization found = ActivationParameters(c.range);
    EXPECT_FLOAT_EQ(found.scales[0], static_cast<float>(c.scale)) << c.range.low;
    EXPECT_EQ(found.zero_points[0], c.zero_point) << c.range.low << ' ' << c.range.high;
    EXPECT_EQ(found.axis, -1);
  }
}

TEST(ActivationParameters, ZeroIsExactAndNothingInsideIsClipped) {
  for (double low = -4; low <= 0; low += 0.13) {
    const Quantization q = ActivationParameters({low, 1});
    const float zero[] = {0};
    EXPECT_EQ(QuantizeValues(zero, q)[0], q.zero_points[0]);
    const double lowest = q.scales[0] * (-128.0 - q.zero_points[0]);
    const double highest = q.scales[0] * (127.0 - q.zero_points[0]);
    EXPECT_LE(lowest, low + 1e-6);
    EXPECT_GE(highest, 1 - 1e-6);
    EXPECT_LE(highest - lowest, (1 - low) * 1.01) << "hardly coarser than the range asks for";
  }
}

TEST(WeightParameters, PerChannelAndPerTensor) {
  const float weights[] = {1.27f, -0.5f, 0, 0, -12.7f, 3};
  const Quantization channels = WeightParameters(weights, 3, true);
  EXPECT_THAT(channels.scales, ElementsAre(1.27f / 127, 12.7f / 127, 12.7f / 127))
      << "a slice of zeros takes the largest scale";
  EXPECT_EQ(channels.axis, 0);
  EXPECT_THAT(QuantizeWeights(weights, channels, 3), ElementsAre(127, -50, 0, 0, -127, 30));
  const Quantization one = WeightParameters(weights, 3, false);
  EXPECT_THAT(one.scales, ElementsAre(12.7f / 127));
  EXPECT_THAT(QuantizeWeights(weights, one, 3), ElementsAre(13, -5, 0, 0, -127, 30));
  const float zeros[] = {0, 0};
  EXPECT_THAT(WeightParameters(zeros, 2, true).scales, ElementsAre(1, 1));
}

TEST(QuantizeWeights, RoundsHalfToEvenAndNeverGivesMinus128) {
  const float weights[] = {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -127.9f, 200};
  EXPECT_THAT(QuantizeWeights(weights, {{1}, {0}, -1}, 1), ElementsAre(0, 2, 2, 0, -2, -127, 127));
}

TEST(QuantizeBias, InUnitsOfInputScaleTimesFilterScale) {
  const double bias[] = {1, -0.3, 0.05};
  EXPECT_THAT(QuantizeBias(bias, 0.5f, {{0.25f, 0.5f, 0.125f}, {0, 0, 0}, 0}),
              ElementsAre(8, -1, 1));
  EXPECT_THAT(QuantizeBias(bias, 0.5f, {{0.25f}, {0}, -1}), ElementsAre(8, -2, 0));
}

TEST(FitBias, RaisesTheScaleOfAFilterWhoseBiasWouldLeaveI32) {
  const double bias[] = {1000, 1, 0};
  Quantization filter{{1e-9f, 1e-3f, 1e-9f}, {0, 0, 0}, 0};
  EXPECT_EQ(FitBias(bias, 1e-3f, filter), 1);
  EXPECT_GE(filter.scales[0], 1000 / (1e-3 * kMaxBias));
  EXPECT_LE(filter.scales[0], 1000 / (1e-3 * kMaxBias) * 1.001);
  EXPECT_EQ(filter.scales[1], 1e-3f);
  EXPECT_EQ(filter.scales[2], 1e-9f);
  EXPECT_NEAR(QuantizeBias(bias, 1e-3f, filter)[0], kMaxBias, 1000);
}

}  // namespace
}  // namespace tersor::compression
