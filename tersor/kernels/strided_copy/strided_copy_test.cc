#include "tersor/kernels/strided_copy/strided_copy.h"

#include <gtest/gtest.h>

#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::strided_copy {
namespace {

using testing::OperatorCase;

std::vector<float> Iota(int count) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i) values.push_back(static_cast<float>(i));
  return values;
}

std::vector<float> RunCase(const OperatorCase& c, std::span<const KernelRow> rows) {
  auto outcome = c.Run(rows[0]);
  if (!outcome) return {};
  const auto values = outcome->results[0].values<float>();
  return {values.begin(), values.end()};
}

TEST(Slice, TakesAPart) {
  OperatorCase c;
  c.Operand<float>({2, 3, 4}, Iota(24)).Result({1, 2, 2});
  c.attributes.Set(Attr::begin, std::vector<int64_t>{1, 1, 2})
      .Set(Attr::shape, std::vector<int64_t>{1, 2, 2});
  EXPECT_EQ(RunCase(c, SliceRows()), (std::vector<float>{18, 19, 22, 23}));
}

TEST(BroadcastTo, RepeatsAxes) {
  OperatorCase c;
  c.Operand<float>({2, 1}, {1, 2}).Result({2, 2, 3});
  EXPECT_EQ(RunCase(c, BroadcastToRows()),
            (std::vector<float>{1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2}));
}

TEST(BroadcastTo, AScalarFillsAVector) {
  OperatorCase c;
  c.Operand<float>(Shape{}, {7}).Result({3});
  EXPECT_EQ(RunCase(c, BroadcastToRows()), (std::vector<float>{7, 7, 7}));
}

}  // namespace
}  // namespace tersor::kernels::strided_copy
