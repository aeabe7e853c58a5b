#include "tersor/kernels/pool_int8/pool_int8.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::pool_int8 {
namespace {

using testing::OperatorCase;
using testing::RandomValues;

struct Window {
  int64_t n, h, w, c;
  int64_t window_h, window_w, stride_h, stride_w;
  Padding padding;
  bool count_padding = false;
};

constexpr Padding kValid = {};
constexpr Padding kSame = {.kind = Padding::Kind::kSame};

const Window kWindows[] = {
    {1, 8, 8, 32, 2, 2, 2, 2, kValid}, {2, 6, 6, 3, 2, 2, 2, 2, kValid},
    {2, 7, 9, 6, 2, 2, 2, 2, kSame},   {1, 6, 6, 13, 2, 2, 2, 2, kValid},
    {1, 6, 6, 16, 2, 2, 2, 2, kSame},  {1, 4, 4, 45, 2, 2, 2, 2, kValid},
    {2, 8, 8, 64, 8, 8, 1, 1, kValid}, {1, 17, 16, 70, 17, 16, 1, 1, kValid},
    {2, 5, 7, 11, 3, 2, 1, 1, kSame},  {2, 5, 7, 21, 3, 2, 1, 1, kSame, true},
    {1, 9, 9, 1, 3, 3, 2, 2, kSame},   {1, 2, 2, 2, 2, 2, 2, 2, kValid},
};

TensorType Type(DType dtype, Shape shape, float scale, int32_t zero_point) {
  return {dtype, std::move(shape), Quantization{{scale}, {zero_point}, -1}};
}

template <typename T>
OperatorCase MakeCase(const Window& p, bool average, Activation activation, float scale_out,
                      int32_t zero_out) {
  const Padding padding =
      p.padding.Resolve(p.h, p.w, p.window_h, p.window_w, p.stride_h, p.stride_w, 1, 1);
  const Shape input = {p.n, p.h, p.w, p.c};
  const Shape output = {p.n, (p.h + padding.top + padding.bottom - p.window_h) / p.stride_h + 1,
                        (p.w + padding.left + padding.right - p.window_w) / p.stride_w + 1, p.c};
  OperatorCase c;
  c.Operand(Type(DTypeOf<T>, input, 0.05f, 7), RandomValues<T>(input.num_elements(), 1));
  c.Result(Type(DTypeOf<T>, output, average ? scale_out : 0.05f, average ? zero_out : 7));
  c.attributes.Set(Attr::window, std::vector<int64_t>{p.window_h, p.window_w})
      .Set(Attr::strides, std::vector<int64_t>{p.stride_h, p.stride_w})
      .Set(Attr::padding, p.padding)
      .Set(Attr::activation, activation);
  if (average) c.attributes.Set(Attr::count_padding, p.count_padding);
  return c;
}

template <typename T>
void ExpectSameBits() {
  for (size_t i = 0; i < std::size(kWindows); ++i) {
    for (Activation activation : {Activation::kNone, Activation::kRelu, Activation::kRelu6}) {
      for (const bool average : {false, true}) {
        // The first keeps scale and zero point: its mean rounds half away from zero.
        const std::pair<float, int32_t> results[] = {
            {0.05f, 7}, {0.05f, 3}, {0.013f, 3}, {1e-4f, 3}};
        for (const auto& [scale_out, zero_out] : results) {
          const auto c = MakeCase<T>(kWindows[i], average, activation, scale_out, zero_out);
          const auto rows = average ? AvgPool2dRows() : MaxPool2dRows();
          const auto expected = c.Run(rows.back());
          ASSERT_TRUE(expected.has_value());
          for (const KernelRow& row : testing::AvailableRows(rows)) {
            const auto actual = c.Run(row);
            ASSERT_TRUE(actual.has_value());
            EXPECT_TRUE(testing::SameBits(actual->results[0], expected->results[0]))
                << row.family << " " << row.name << " case " << i << " "
                << ActivationName(activation) << " " << scale_out;
          }
        }
      }
    }
  }
}

TEST(PoolInt8, EveryRowHasTheReferenceBitsI8) { ExpectSameBits<int8_t>(); }
TEST(PoolInt8, EveryRowHasTheReferenceBitsU8) { ExpectSameBits<uint8_t>(); }

TEST(PoolInt8, ReferenceFollowsTheRule) {
  OperatorCase c;
  const TensorType input = Type(DType::kI8, {1, 2, 2, 1}, 0.5f, -3);
  c.Operand(input, std::vector<int8_t>{1, 2, 5, -3});
  c.Result(Type(DType::kI8, {1, 1, 1, 1}, 0.25f, 10));
  c.attributes.Set(Attr::window, std::vector<int64_t>{2, 2});
  // (4 + 5 + 8 + 0) * 0.5 / (0.25 * 4) = 8.5, half to even 8, plus 10.
  EXPECT_EQ(c.Run(AvgPool2dRows().back())->results[0].values<int8_t>()[0], 18);
  EXPECT_EQ(c.Make(MaxPool2dRows().back()), nullptr) << "the scales differ";
}

TEST(PoolInt8, AMeanThatKeepsItsScaleRoundsHalfAwayFromZero) {
  const struct {
    std::vector<int8_t> cells;
    int mean;
  } cases[] = {{{1, 2, 2, 1}, 2},          {{-1, -2, -2, -1}, -2}, {{0, 1, 0, 0}, 0},
               {{0, -1, -1, 0}, -1},       {{3, 3, 3, 2}, 3},      {{-128, -128, -128, -127}, -128},
               {{127, 127, 126, 126}, 127}};
  for (const auto& [cells, mean] : cases) {
    for (const int64_t channels : {1, 16, 20}) {
      OperatorCase c;
      std::vector<int8_t> values;
      for (const int8_t q : cells) values.insert(values.end(), static_cast<size_t>(channels), q);
      c.Operand(Type(DType::kI8, {1, 2, 2, channels}, 0.5f, -3), values);
      c.Result(Type(DType::kI8, {1, 1, 1, channels}, 0.5f, -3));
      c.attributes.Set(Attr::window, std::vector<int64_t>{2, 2});
      for (const KernelRow& row : testing::AvailableRows(AvgPool2dRows())) {
        const auto found = c.Run(row);
        for (const int8_t q : found->results[0].values<int8_t>()) EXPECT_EQ(q, mean) << row.name;
      }
    }
  }
}

TEST(PoolInt8, ThreadsDoNotChangeABit) {
  auto pool = ThreadPool::Create(3).value();
  for (const int64_t channels : {3, 32, 40}) {
    auto c = MakeCase<int8_t>({4, 128, 128, channels, 2, 2, 2, 2, kValid}, false, Activation::kNone,
                              1, 0);
    for (const KernelRow& row : testing::AvailableRows(MaxPool2dRows())) {
      c.pool = nullptr;
      const auto single = c.Run(row);
      c.pool = &pool;
      EXPECT_TRUE(testing::SameBits(c.Run(row)->results[0], single->results[0])) << row.name;
    }
  }
}

}  // namespace
}  // namespace tersor::kernels::pool_int8
