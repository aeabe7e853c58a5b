#include "tersor/kernels/quantize/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tersor/base/float16.h"
#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::quantize {
namespace {

using testing::OperatorCase;
using testing::RandomValues;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TensorType Quantized(DType dtype, Shape shape, float scale, int32_t zero_point) {
  return {dtype, std::move(shape), Quantization{{scale}, {zero_point}, -1}};
}

TEST(Quantize, RoundsHalfToEvenShiftsAndClamps) {
  const std::vector<float> x = {0.25f, 0.75f,     -0.25f,     -0.75f, 62.75f,
                                -70,   kInfinity, -kInfinity, kNan,   3e30f};
  const std::vector<int8_t> q = {3, 5, 3, 1, 127, -128, 127, -128, -128, 127};
  OperatorCase c;
  c.Operand(Shape{10}, x).Result(Quantized(DType::kI8, {10}, 0.5f, 3));
  for (const KernelRow& row : testing::AvailableRows(QuantizeRows())) {
    const auto found = c.Run(row);
    const auto y = found->results[0].values<int8_t>();
    EXPECT_EQ(std::vector<int8_t>(y.begin(), y.end()), q) << row.name;
  }
}

TEST(Quantize, EveryRowGivesTheBitsOfTheReference) {
  auto two = ThreadPool::Create(2).value();
  for (int64_t count : {0, 1, 7, 31, 32, 33, 63, 64, 65, 1000, 100'000}) {
    auto x = RandomValues<float>(count, 1);
    for (float& value : x) value *= 20;
    const auto q = RandomValues<int8_t>(count, 2);
    const auto u = RandomValues<uint8_t>(count, 3);
    OperatorCase cases[4];
    cases[0].Operand(Shape{count}, x).Result(Quantized(DType::kI8, {count}, 0.1f, -7));
    cases[1].Operand(Shape{count}, x).Result(Quantized(DType::kU8, {count}, 0.1f, 131));
    cases[2].Operand(Quantized(DType::kI8, {count}, 0.3f, -128), q).Result({count});
    cases[3].Operand(Quantized(DType::kU8, {count}, 0.3f, 255), u).Result({count});
    for (size_t i = 0; i < 4; ++i) {
      const auto rows = i < 2 ? QuantizeRows() : DequantizeRows();
      const auto expected = cases[i].Run(rows.back());
      cases[i].pool = &two;
      for (const KernelRow& row : testing::AvailableRows(rows)) {
        const auto found = cases[i].Run(row);
        ASSERT_TRUE(found);
        EXPECT_TRUE(testing::SameBits(found->results[0], expected->results[0]))
            << row.name << " case " << i << " count " << count;
      }
    }
  }
}

TEST(Quantize, FromIntegersChangesTheScale) {
  OperatorCase c;
  c.Operand(Quantized(DType::kU8, {4}, 0.5f, 128), std::vector<uint8_t>{128, 129, 131, 0});
  c.Result(Quantized(DType::kI8, {4}, 1.0f, -1));
  const auto found = c.Run(QuantizeRows().back());
  const auto y = found->results[0].values<int8_t>();
  EXPECT_EQ(std::vector<int8_t>(y.begin(), y.end()), (std::vector<int8_t>{-1, -1, 1, -65}));
}

// Rows of five in groups of two: the last group of a row has one element.
TEST(Quantize, GroupsAlongTheLastAxisUseTheirOwnScale) {
  const Quantization groups{{1.0f, 0.5f, 2.0f, 4.0f, 0.25f, 1.0f}, {0, 10, 1, 0, 0, -1}, 1, 2};
  const std::vector<float> real = {1, 2, 3, 4, 6, 4, -8, 1, -2, 7};
  const std::vector<int8_t> integers = {1, 2, 16, 18, 4, 1, -2, 4, -8, 6};
  OperatorCase c;
  c.Operand(Shape{2, 5}, real);
  c.Result({DType::kI8, {2, 5}, groups});
  for (const KernelRow& row : testing::AvailableRows(QuantizeRows())) {
    const auto found = c.Run(row);
    if (!found) continue;
    const auto y = found->results[0].values<int8_t>();
    EXPECT_EQ(std::vector<int8_t>(y.begin(), y.end()), integers);
  }
  OperatorCase back;
  back.Operand({DType::kI8, {2, 5}, groups}, integers).Result({2, 5});
  const auto found = back.Run(DequantizeRows().back());
  const auto x = found->results[0].values<float>();
  EXPECT_EQ(std::vector<float>(x.begin(), x.end()), real);

  // i4: each row of five takes three bytes.
  const Quantization threes{{1.0f, 0.5f, 2.0f, 4.0f}, {0, 1, 0, -8}, 1, 3};
  OperatorCase packed;
  packed
      .Operand({DType::kI4, {2, 5}, threes}, std::vector<uint8_t>{0x21, 0x43, 0x05, 0xEF, 0x8D, 7})
      .Result({2, 5});
  const auto wide = packed.Run(DequantizeRows().back());
  const auto z = wide->results[0].values<float>();
  EXPECT_EQ(std::vector<float>(z.begin(), z.end()),
            (std::vector<float>{1, 2, 3, 1.5f, 2, -2, -4, -6, 0, 60}));
}

TEST(Quantize, PerChannelUsesTheScaleOfItsChannel) {
  OperatorCase c;
  c.Operand(Shape{2, 2, 2}, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8});
  const TensorType type{DType::kI8, {2, 2, 2}, Quantization{{1.0f, 0.5f}, {0, 10}, 1}};
  c.Result(type);
  for (const KernelRow& row : testing::AvailableRows(QuantizeRows())) {
    const auto found = c.Run(row);
    if (!found) continue;
    const auto y = found->results[0].values<int8_t>();
    EXPECT_EQ(std::vector<int8_t>(y.begin(), y.end()),
              (std::vector<int8_t>{1, 2, 16, 18, 5, 6, 24, 26}));
  }
  OperatorCase back;
  back.Operand(type, std::vector<int8_t>{1, 2, 16, 18, 5, 6, 24, 26}).Result({2, 2, 2});
  const auto found = back.Run(DequantizeRows().back());
  const auto x = found->results[0].values<float>();
  EXPECT_EQ(std::vector<float>(x.begin(), x.end()), (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST(Dequantize, UnpacksFourBits) {
  // Rows of three: two bytes each, the last half of the second unused.
  const TensorType type{DType::kI4, {2, 3}, Quantization{{0.5f}, {1}, -1}};
  const std::byte bytes[] = {std::byte{0x21}, std::byte{0xF3}, std::byte{0x80}, std::byte{0x07}};
  const Tensor in = Tensor::FromBytes(type, bytes).value();
  Tensor out = Tensor::Create({DType::kF32, {2, 3}, {}}).value();
  const ConstTensorView operands[] = {in.view()};
  const TensorView results[] = {out.mutable_view()};
  ThreadPool pool;
  const TensorType result_types[] = {out.type()};
  const auto kernel = DequantizeRows().back().make({operands, result_types, nullptr, {}, 1});
  kernel->Run({.operands = operands, .results = results, .pool = &pool});
  const auto x = out.values<float>();
  EXPECT_EQ(std::vector<float>(x.begin(), x.end()),
            (std::vector<float>{0, 0.5f, 1, -0.5f, -4.5f, 3}));
}

/// `in`, cast.
template <typename To, typename From>
std::vector<To> CastTo(DType to, const std::vector<From>& in, DType from = DTypeOf<From>) {
  const auto count = static_cast<int64_t>(in.size());
  OperatorCase c;
  c.Operand(TensorType{from, {count}, {}}, in).Result({to, {count}, {}});
  const auto found = c.Run(CastRows().back());
  const auto y = found->results[0].template values<To>();
  return {y.begin(), y.end()};
}

TEST(Cast, ToIntegersGoesTowardZeroAndSaturates) {
  const std::vector<float> x = {1.9f, -1.9f, 300, -300, kNan, kInfinity};
  EXPECT_EQ(CastTo<int8_t>(DType::kI8, x), (std::vector<int8_t>{1, -1, 127, -128, 0, 127}));
  EXPECT_EQ(CastTo<uint8_t>(DType::kU8, x), (std::vector<uint8_t>{1, 0, 255, 0, 0, 255}));
  EXPECT_EQ(CastTo<int32_t>(DType::kI32, std::vector<float>{3e9f, -3e9f}),
            (std::vector<int32_t>{INT32_MAX, INT32_MIN}));
  EXPECT_EQ(CastTo<int64_t>(DType::kI64, std::vector<float>{1e30f, -1e30f, 1e15f}),
            (std::vector<int64_t>{INT64_MAX, INT64_MIN, 999'999'986'991'104}));
  EXPECT_EQ(CastTo<int16_t>(DType::kI16, std::vector<int64_t>{70'000, -5}),
            (std::vector<int16_t>{32767, -5}));
}

TEST(Cast, BetweenFloatsRoundsToTheNearest) {
  const std::vector<float> x = {1.0f, 0.1f, 65520.0f, kNan};
  for (DType dtype : {DType::kF16, DType::kBF16}) {
    const auto to = dtype == DType::kF16 ? FloatToF16 : FloatToBF16;
    const auto half = CastTo<uint16_t>(dtype, x);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(half[i], to(x[i]));
    const std::vector<int16_t> bits(half.begin(), half.end());
    const auto back = CastTo<float>(DType::kF32, bits, dtype);
    EXPECT_EQ(back[0], 1.0f);
    EXPECT_NEAR(back[1], 0.1f, 0.001f);
    EXPECT_TRUE(std::isnan(back[3]));
  }
}

TEST(Cast, FromIntegersAndBool) {
  EXPECT_EQ(CastTo<float>(DType::kF32, std::vector<int64_t>{16'777'217, -3}),
            (std::vector<float>{16'777'216, -3}));
  EXPECT_EQ(CastTo<uint8_t>(DType::kBool, std::vector<float>{0, -0.5f, kNan}),
            (std::vector<uint8_t>{0, 1, 1}));
  EXPECT_EQ(CastTo<float>(DType::kF32, std::vector<uint8_t>{0, 2}, DType::kBool),
            (std::vector<float>{0, 1}));
}

TEST(Cast, FourBitsSurviveTheRoundTrip) {
  std::vector<int8_t> values(3 * 301);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int8_t>(i % 19) - 9;
  OperatorCase pack;
  pack.Operand(Shape{3, 301}, values).Result({DType::kI4, {3, 301}, {}});
  const auto packed = pack.Run(CastRows().back());
  const auto bytes = packed->results[0].buffer();
  std::vector<uint8_t> raw(3 * 151);
  std::memcpy(raw.data(), bytes->data(), raw.size());
  const TensorType type{DType::kI4, {3, 301}, {}};
  OperatorCase unpack;
  unpack.Operand(type, raw).Result({DType::kI8, {3, 301}, {}});
  const auto back = unpack.Run(CastRows().back());
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(back->results[0].values<int8_t>()[i], std::clamp<int>(values[i], -8, 7));
  }
}

}  // namespace
}  // namespace tersor::kernels::quantize
