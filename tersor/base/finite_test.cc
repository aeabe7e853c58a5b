#include "tersor/base/finite.h"

#include <gtest/gtest.h>

#include <limits>

#include "tersor/base/float16.h"

namespace tersor {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::string Flaw(const Shape& shape, const std::vector<float>& values, bool infinities = true) {
  const Tensor tensor = Tensor::FromValues<float>({DType::kF32, shape, {}}, values).value();
  return FindNonFinite(tensor.view(), infinities);
}

TEST(FindNonFinite, SaysWhatAndWhere) {
  EXPECT_EQ(Flaw({4}, {0, -1, 3e38f, 1e-45f}), "");
  EXPECT_EQ(Flaw({2, 3}, {0, 1, 2, 3, kNaN, kInfinity}), "nan at [1,1]");
  EXPECT_EQ(Flaw({2, 1, 2}, {0, 1, 2, kInfinity}), "inf at [1,0,1]");
  EXPECT_EQ(Flaw({2}, {-kInfinity, 0}), "-inf at [0]");
  EXPECT_EQ(Flaw({}, {kNaN}), "nan at []");
  EXPECT_EQ(Flaw({0}, {}), "");
}

TEST(FindNonFinite, InfinitiesMayBeMeant) {
  EXPECT_EQ(Flaw({3}, {kInfinity, -kInfinity, 0}, false), "");
  EXPECT_EQ(Flaw({3}, {kInfinity, kNaN, 0}, false), "nan at [1]");
}

TEST(FindNonFinite, ReadsShorterFloatsAndSkipsIntegers) {
  const std::vector<uint16_t> half = {FloatToF16(1), FloatToF16(kInfinity)};
  const TensorType f16 = {DType::kF16, {2}, {}}, bf16 = {DType::kBF16, {2}, {}};
  EXPECT_EQ(FindNonFinite({&f16, half.data()}), "inf at [1]");
  const std::vector<uint16_t> brain = {FloatToBF16(kNaN), FloatToBF16(kInfinity)};
  EXPECT_EQ(FindNonFinite({&bf16, brain.data()}), "nan at [0]");
  const int32_t bits = -1;  // those of a NaN
  const TensorType i32 = {DType::kI32, {1}, {}};
  EXPECT_EQ(FindNonFinite({&i32, &bits}), "");
}

}  // namespace
}  // namespace tersor
