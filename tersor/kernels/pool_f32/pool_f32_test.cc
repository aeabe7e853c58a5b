#include "tersor/kernels/pool_f32/pool_f32.h"

#include <gtest/gtest.h>

#include <string>

#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::pool_f32 {
namespace {

using testing::OperatorCase;
using testing::RandomValues;

struct PoolCase {
  int64_t n, h, w, c;
  int64_t window_h, window_w, stride_h, stride_w;
  Padding padding;
  bool count_padding = false;
  Activation activation = Activation::kNone;
};

constexpr Padding kValid = {};
constexpr Padding kSame = {.kind = Padding::Kind::kSame};
constexpr Padding kAround = {Padding::Kind::kExplicit, 1, 0, 0, 1};

const PoolCase kCases[] = {
    {2, 8, 8, 32, 2, 2, 2, 2, kValid},
    {1, 4, 6, 1, 2, 2, 2, 2, kValid},
    {2, 7, 9, 3, 2, 2, 2, 2, kValid},
    {2, 7, 9, 6, 2, 2, 2, 2, kSame},
    {1, 6, 6, 13, 2, 2, 2, 2, kValid, false, Activation::kRelu},
    {1, 6, 6, 16, 2, 2, 2, 2, kSame, false, Activation::kRelu6},
    {1, 2, 2, 24, 2, 2, 2, 2, kValid},
    {3, 8, 8, 64, 8, 8, 1, 1, kValid},
    {2, 5, 7, 11, 3, 2, 1, 1, kSame},
    {2, 5, 7, 11, 3, 2, 1, 1, kSame, true},
    {1, 9, 9, 17, 3, 3, 2, 2, kAround},
    {1, 9, 9, 40, 3, 3, 2, 2, kAround, true, Activation::kRelu},
    {1, 5, 5, 5, 1, 1, 2, 3, kValid},
};

Shape OutputShape(const PoolCase& p) {
  const Padding padding =
      p.padding.Resolve(p.h, p.w, p.window_h, p.window_w, p.stride_h, p.stride_w, 1, 1);
  return {p.n, (p.h + padding.top + padding.bottom - p.window_h) / p.stride_h + 1,
          (p.w + padding.left + padding.right - p.window_w) / p.stride_w + 1, p.c};
}

void SetAttributes(const PoolCase& p, bool average, Attributes& attributes) {
  attributes.Set(Attr::window, std::vector<int64_t>{p.window_h, p.window_w})
      .Set(Attr::strides, std::vector<int64_t>{p.stride_h, p.stride_w})
      .Set(Attr::padding, p.padding);
  if (average) attributes.Set(Attr::count_padding, p.count_padding);
}

/// Integers from -8 to 7: windows have several largest cells, and some lie above 6.
std::vector<float> CoarseValues(int64_t count, uint64_t seed) {
  auto values = RandomValues<float>(count, seed);
  for (float& value : values) value = std::floor(value * 8);
  return values;
}

OperatorCase Forward(const PoolCase& p, bool average) {
  OperatorCase c;
  const Shape shape = {p.n, p.h, p.w, p.c};
  c.Operand(shape, CoarseValues(shape.num_elements(), 1)).Result(OutputShape(p));
  SetAttributes(p, average, c.attributes);
  c.attributes.Set(Attr::activation, p.activation);
  return c;
}

OperatorCase MaxGradient(const PoolCase& p, const std::vector<float>& input,
                         const std::vector<float>& gradient) {
  OperatorCase c;
  const Shape output = OutputShape(p);
  c.Operand(output, gradient).Operand({p.n, p.h, p.w, p.c}, input);
  c.Operand(output, std::vector<float>(gradient.size())).Result({p.n, p.h, p.w, p.c});
  SetAttributes(p, false, c.attributes);
  return c;
}

OperatorCase AvgGradient(const PoolCase& p, const std::vector<float>& gradient) {
  OperatorCase c;
  c.Operand(OutputShape(p), gradient).Result({p.n, p.h, p.w, p.c});
  SetAttributes(p, true, c.attributes);
  c.attributes.Set(Attr::input_shape, std::vector<int64_t>{p.n, p.h, p.w, p.c});
  return c;
}

void ExpectEqualsReference(const OperatorCase& c, std::span<const KernelRow> rows,
                           double tolerance) {
  const auto expected = c.Run(rows.back());
  ASSERT_TRUE(expected.has_value());
  for (const KernelRow& row : testing::AvailableRows(rows)) {
    const auto actual = c.Run(row);
    ASSERT_TRUE(actual.has_value()) << row.name;
    EXPECT_LE(testing::LargestError(actual->results[0].values<float>(),
                                    expected->results[0].values<float>()),
              tolerance)
        << row.name;
  }
}

TEST(Pool, EveryRowEqualsTheReference) {
  for (size_t i = 0; i < std::size(kCases); ++i) {
    SCOPED_TRACE(StrCat("case ", i));
    const PoolCase& p = kCases[i];
    ExpectEqualsReference(Forward(p, false), MaxPool2dRows(), 0);
    ExpectEqualsReference(Forward(p, true), AvgPool2dRows(), 1e-6);
    const auto gradient = RandomValues<float>(OutputShape(p).num_elements(), 2);
    const auto input = CoarseValues(p.n * p.h * p.w * p.c, 3);
    ExpectEqualsReference(MaxGradient(p, input, gradient), MaxPool2dGradRows(), 1e-6);
    ExpectEqualsReference(AvgGradient(p, gradient), AvgPool2dGradRows(), 1e-6);
  }
}

TEST(Pool, ThreadsDoNotChangeABit) {
  auto pool = ThreadPool::Create(3).value();
  const PoolCase p = {2, 64, 64, 20, 2, 2, 2, 2, kValid};
  for (const bool average : {false, true}) {
    for (const KernelRow& row :
         testing::AvailableRows(average ? AvgPool2dRows() : MaxPool2dRows())) {
      auto c = Forward(p, average);
      const auto single = c.Run(row);
      c.pool = &pool;
      EXPECT_TRUE(testing::SameBits(c.Run(row)->results[0], single->results[0])) << row.name;
    }
  }
}

TEST(Pool, RefusesAWindowWithoutACell) {
  PoolCase p = {1, 4, 4, 8, 2, 2, 1, 1, {Padding::Kind::kExplicit, 2, 0, 0, 0}};
  for (const KernelRow& row : MaxPool2dRows()) EXPECT_EQ(Forward(p, false).Make(row), nullptr);
  for (const KernelRow& row : AvgPool2dRows()) EXPECT_EQ(Forward(p, true).Make(row), nullptr);
}

TEST(MaxPool2dGrad, GoesToTheFirstLargestCell) {
  const PoolCase p = {1, 2, 2, 1, 2, 2, 2, 2, kValid};
  const std::vector<std::pair<std::vector<float>, std::vector<float>>> table = {
      {{1, 1, 1, 1}, {7, 0, 0, 0}}, {{0, 1, 1, 1}, {0, 7, 0, 0}}, {{0, 0, 1, 1}, {0, 0, 7, 0}},
      {{0, 0, 0, 1}, {0, 0, 0, 7}}, {{1, 0, 0, 1}, {7, 0, 0, 0}}, {{0, 1, 1, 0}, {0, 7, 0, 0}},
  };
  for (const KernelRow& row : testing::AvailableRows(MaxPool2dGradRows())) {
    for (const auto& [input, expected] : table) {
      const auto run = MaxGradient(p, input, {7}).Run(row);
      const auto values = run->results[0].values<float>();
      EXPECT_EQ(std::vector<float>(values.begin(), values.end()), expected) << row.name;
    }
  }
}

/// sum over the outputs of gradient * pool(input), in double, written apart from the kernels.
double WeightedPool(const PoolCase& p, bool average, const std::vector<float>& gradient,
                    const std::vector<double>& input) {
  const Shape output = OutputShape(p);
  const Padding padding =
      p.padding.Resolve(p.h, p.w, p.window_h, p.window_w, p.stride_h, p.stride_w, 1, 1);
  double total = 0;
  size_t index = 0;
  for (int64_t n = 0; n < p.n; ++n) {
    for (int64_t y = 0; y < output[1]; ++y) {
      for (int64_t x = 0; x < output[2]; ++x) {
        for (int64_t c = 0; c < p.c; ++c) {
          double sum = 0, largest = -HUGE_VAL;
          int cells = 0;
          for (int64_t i = 0; i < p.window_h * p.window_w; ++i) {
            const int64_t h = y * p.stride_h - padding.top + i / p.window_w;
            const int64_t w = x * p.stride_w - padding.left + i % p.window_w;
            if (h < 0 || w < 0 || h >= p.h || w >= p.w) continue;
            const double value = input[static_cast<size_t>(((n * p.h + h) * p.w + w) * p.c + c)];
            sum += value;
            largest = std::max(largest, value);
            ++cells;
          }
          const auto area = static_cast<double>(p.window_h * p.window_w);
          total += gradient[index++] * (average ? sum / (p.count_padding ? area : cells) : largest);
        }
      }
    }
  }
  return total;
}

TEST(Pool, GradientsMatchFiniteDifferences) {
  for (const PoolCase& p :
       {PoolCase{1, 4, 4, 3, 2, 2, 2, 2, kValid}, PoolCase{2, 5, 4, 2, 3, 2, 1, 2, kSame},
        PoolCase{1, 5, 5, 2, 3, 3, 2, 2, kAround, true}}) {
    const auto input = RandomValues<float>(p.n * p.h * p.w * p.c, 4);
    const auto gradient = RandomValues<float>(OutputShape(p).num_elements(), 5);
    const auto numeric = [&](bool average) {
      return testing::NumericGradient(
          [&](const std::vector<double>& x) { return WeightedPool(p, average, gradient, x); },
          input);
    };
    for (const KernelRow& row : testing::AvailableRows(MaxPool2dGradRows())) {
      const auto run = MaxGradient(p, input, gradient).Run(row);
      EXPECT_LE(testing::LargestError(run->results[0].values<float>(), numeric(false)), 1e-5)
          << row.name;
    }
    for (const KernelRow& row : testing::AvailableRows(AvgPool2dGradRows())) {
      const auto run = AvgGradient(p, gradient).Run(row);
      EXPECT_LE(testing::LargestError(run->results[0].values<float>(), numeric(true)), 1e-5)
          << row.name;
    }
  }
}

}  // namespace
}  // namespace tersor::kernels::pool_f32
