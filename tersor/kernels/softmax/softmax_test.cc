#include "tersor/kernels/softmax/softmax.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::softmax {
namespace {

using testing::OperatorCase;
using testing::RandomValues;

TensorType Quantized(Shape shape, float scale, int32_t zero_point) {
  return {DType::kI8, std::move(shape), Quantization{{scale}, {zero_point}, -1}};
}

TEST(Softmax, IsItsDefinition) {
  OperatorCase c;
  c.Operand(Shape{2, 2}, std::vector<float>{0, std::log(3.0f), 1000, 1000}).Result({2, 2});
  for (const KernelRow& row : testing::AvailableRows(SoftmaxRows())) {
    const auto found = c.Run(row);
    const auto y = found->results[0].values<float>();
    EXPECT_FLOAT_EQ(y[0], 0.25f);
    EXPECT_FLOAT_EQ(y[1], 0.75f);
    EXPECT_FLOAT_EQ(y[2], 0.5f);
    EXPECT_FLOAT_EQ(y[3], 0.5f);
  }
  const auto found = c.Run(LogSoftmaxRows().back());
  EXPECT_FLOAT_EQ(found->results[0].values<float>()[0], std::log(0.25f));
  EXPECT_FLOAT_EQ(found->results[0].values<float>()[2], std::log(0.5f));
}

TEST(Softmax, EveryRowLiesWithinTheTolerance) {
  auto two = ThreadPool::Create(2).value();
  for (const KernelRow& row : testing::AvailableRows(SoftmaxRows())) {
    for (int64_t columns : {1, 3, 7, 8, 9, 10, 15, 16, 17, 33, 100, 1001}) {
      for (float spread : {1.0f, 30.0f, 300.0f}) {
        OperatorCase c;
        auto x = RandomValues<float>(9 * columns, 5);
        for (float& value : x) value *= spread;
        c.Operand(Shape{3, 3, columns}, x).Result({3, 3, columns});
        const auto expected = c.Run(SoftmaxRows().back());
        if (columns > 1000) c.pool = &two;
        const auto found = c.Run(row);
        for (size_t i = 0; i < x.size(); ++i) {
          const auto row_of_x = x.begin() + static_cast<int64_t>(i) / columns * columns;
          const float below = *std::max_element(row_of_x, row_of_x + columns) - x[i];
          const float want = expected->results[0].values<float>()[i];
          const float have = found->results[0].values<float>()[i];
          EXPECT_LE(std::abs(want - have),
                    kTolerance * want * (1 + below / 16) + std::numeric_limits<float>::min())
              << row.name << " " << columns << " " << spread;
        }
      }
    }
  }
}

TEST(Softmax, ANotANumberSpoilsItsRowOnly) {
  OperatorCase c;
  std::vector<float> x(30, 1.0f);
  x[13] = std::numeric_limits<float>::quiet_NaN();
  c.Operand(Shape{3, 10}, x).Result({3, 10});
  for (const KernelRow& row : testing::AvailableRows(SoftmaxRows())) {
    const auto found = c.Run(row);
    for (size_t i = 0; i < 30; ++i) {
      EXPECT_EQ(std::isnan(found->results[0].values<float>()[i]), i / 10 == 1) << row.name << i;
    }
  }
}

TEST(Softmax, IntegersFollowTheRule) {
  // e^(-0.5 d) for d = 0, 1, 4 over their sum, in units of 1/256 above -128.
  OperatorCase c;
  c.Operand(Quantized({3}, 0.5f, 77), std::vector<int8_t>{10, 9, 6});
  c.Result(Quantized({3}, 1.0f / 256, -128));
  const auto found = c.Run(SoftmaxRows().back());
  const double e[] = {1, std::exp(-0.5), std::exp(-2.0)};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(found->results[0].values<int8_t>()[i],
              std::nearbyint(e[i] / (e[0] + e[1] + e[2]) * 256) - 128);
  }
  OperatorCase log_case;
  log_case.Operand(Quantized({3}, 0.5f, 77), std::vector<int8_t>{10, 9, 6});
  log_case.Result(Quantized({3}, 0.125f, 127));
  const auto logs = log_case.Run(LogSoftmaxRows().back());
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(logs->results[0].values<int8_t>()[i],
              std::nearbyint(std::log(e[i] / (e[0] + e[1] + e[2])) * 8) + 127);
  }
}

TEST(Softmax, IntegersSumInTheOrderOfTheChannels) {
  // Each of the small exponentials is lost when it is added to 1 in f32; added among themselves
  // first, as another order would, they are 2e-4.
  OperatorCase c;
  std::vector<int8_t> q(4097, -113);
  q[0] = 127;
  c.Operand(Quantized({4097}, 0.07f, 0), q);
  c.Result(Quantized({4097}, 1.0f / 100.505f, -128));
  for (const KernelRow& row : testing::AvailableRows(SoftmaxRows())) {
    const auto found = c.Run(row);
    if (!found) continue;
    EXPECT_EQ(found->results[0].values<int8_t>()[0], 101 - 128) << row.name;
  }
}

TEST(Softmax, EveryRowOfIntegersGivesTheBitsOfTheReference) {
  for (const KernelRow& row : testing::AvailableRows(SoftmaxRows())) {
    OperatorCase c;
    c.Operand(Quantized({5, 37}, 0.07f, 3), RandomValues<int8_t>(5 * 37, 1));
    c.Result(Quantized({5, 37}, 1.0f / 256, -128));
    const auto found = c.Run(row);
    if (!found) continue;
    EXPECT_TRUE(testing::SameBits(found->results[0], c.Run(SoftmaxRows().back())->results[0]));
  }
}

}  // namespace
}  // namespace tersor::kernels::softmax
