#include "tersor/base/float16.h"

#include <cmath>
#include <limits>

#include "gtest/gtest.h"

namespace tersor {
namespace {

TEST(Float16, KnowsItsLandmarks) {
  EXPECT_EQ(F16ToFloat(0x3C00), 1.0f);
  EXPECT_EQ(F16ToFloat(0xC000), -2.0f);
  EXPECT_EQ(F16ToFloat(0x7BFF), 65504.0f);
  EXPECT_EQ(F16ToFloat(0x0001), 0x1p-24f);
  EXPECT_EQ(F16ToFloat(0x0400), 0x1p-14f);
  EXPECT_EQ(F16ToFloat(0x7C00), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(F16ToFloat(0x7E00)));
}

TEST(Float16, EveryValueSurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    if (std::isnan(F16ToFloat(half))) {
      EXPECT_TRUE(std::isnan(F16ToFloat(FloatToF16(F16ToFloat(half)))));
    } else {
      EXPECT_EQ(FloatToF16(F16ToFloat(half)), half);
    }
    if (std::isnan(BF16ToFloat(half))) {
      EXPECT_TRUE(std::isnan(BF16ToFloat(FloatToBF16(BF16ToFloat(half)))));
    } else {
      EXPECT_EQ(FloatToBF16(BF16ToFloat(half)), half);
    }
  }
}

TEST(Float16, RoundsToTheNearestAndTiesToEven) {
  // Every midpoint of two neighbours, and the floats beside it.
  for (uint16_t bits = 0; bits < 0x7BFF; ++bits) {
    const float low = F16ToFloat(bits), high = F16ToFloat(static_cast<uint16_t>(bits + 1));
    const float middle = (low + high) / 2;
    EXPECT_EQ(FloatToF16(middle), bits + (bits & 1)) << bits;
    EXPECT_EQ(FloatToF16(std::nextafter(middle, 0.0f)), bits);
    EXPECT_EQ(FloatToF16(std::nextafter(middle, high)), bits + 1);
  }
  EXPECT_EQ(FloatToF16(65519.9f), 0x7BFF);
  EXPECT_EQ(FloatToF16(65520.0f), 0x7C00);
  EXPECT_EQ(FloatToBF16(1.00390625f), 0x3F80);  // halfway between 1 and its successor
  EXPECT_EQ(FloatToBF16(1.01171875f), 0x3F82);
}

}  // namespace
}  // namespace tersor
