#include "tersor/kernels/fully_connected_f32/fully_connected_f32.h"

#include <gtest/gtest.h>

#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::fully_connected_f32 {
namespace {

using testing::OperatorCase;
using testing::RandomValues;

OperatorCase MakeCase(int64_t n, int64_t i, int64_t o, bool bias, bool constant,
                      Activation activation) {
  OperatorCase c;
  c.Operand({n, i}, RandomValues<float>(n * i, 1));
  const auto filter = RandomValues<float>(o * i, 2);
  constant ? c.Constant({o, i}, filter) : c.Operand({o, i}, filter);
  bias ? c.Operand({o}, RandomValues<float>(o, 3)) : c.Absent();
  c.Result({n, o});
  c.attributes.Set(Attr::activation, activation);
  return c;
}

TEST(FullyConnected, EveryRowEqualsTheReference) {
  struct {
    int64_t n, i, o;
  } const shapes[] = {{1, 1, 1},    {1, 96, 26},   {1, 102, 26}, {1, 512, 10}, {1, 511, 33},
                      {1, 7, 130},  {2, 193, 31},  {3, 385, 65}, {4, 26, 10},  {7, 50, 100},
                      {64, 96, 26}, {1, 2048, 96}, {6, 192, 64}, {13, 1, 17}};
  for (const KernelRow& row : testing::AvailableRows(Rows())) {
    for (const auto& [n, i, o] : shapes) {
      for (Activation activation : {Activation::kNone, Activation::kRelu, Activation::kRelu6}) {
        for (const bool bias : {false, true}) {
          for (const bool constant : {false, true}) {
            const auto c = MakeCase(n, i, o, bias, constant, activation);
            const auto expected = c.Run(Rows().back()), actual = c.Run(row);
            ASSERT_TRUE(actual.has_value());
            EXPECT_LE(testing::LargestError(actual->results[0].values<float>(),
                                            expected->results[0].values<float>()),
                      2e-6 * static_cast<double>(i))
                << row.name << " " << n << "x" << i << "x" << o << " " << ActivationName(activation)
                << " bias " << bias << " constant " << constant;
          }
        }
      }
    }
  }
}

TEST(FullyConnected, ThreadsDoNotChangeABit) {
  auto pool = ThreadPool::Create(3).value();
  for (const KernelRow& row : testing::AvailableRows(Rows())) {
    for (const int64_t n : {1, 9}) {
      for (const bool constant : {false, true}) {
        auto c = MakeCase(n, 800, 200, true, constant, Activation::kRelu);
        const auto single = c.Run(row);
        c.pool = &pool;
        EXPECT_TRUE(testing::SameBits(c.Run(row)->results[0], single->results[0])) << row.name;
      }
    }
  }
}

TEST(FullyConnected, RefusesOtherTypes) {
  OperatorCase integers;
  integers.Operand({1, 2}, RandomValues<int8_t>(2, 1)).Operand({1, 2}, RandomValues<int8_t>(2, 2));
  integers.Absent().Result({DType::kI8, {1, 1}, {}});
  for (const KernelRow& row : Rows()) EXPECT_EQ(integers.Make(row), nullptr) << row.name;
}

}  // namespace
}  // namespace tersor::kernels::fully_connected_f32
