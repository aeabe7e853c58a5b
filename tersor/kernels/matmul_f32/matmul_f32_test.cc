#include "tersor/kernels/matmul_f32/matmul_f32.h"

#include <gtest/gtest.h>

#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::matmul_f32 {
namespace {

using testing::OperatorCase;
using testing::RandomValues;

OperatorCase MakeCase(int64_t m, int64_t n, int64_t k, bool transpose_lhs, bool transpose_rhs) {
  OperatorCase c;
  c.Operand(transpose_lhs ? Shape{k, m} : Shape{m, k}, RandomValues<float>(m * k, 1));
  c.Operand(transpose_rhs ? Shape{n, k} : Shape{k, n}, RandomValues<float>(k * n, 2));
  c.Result({m, n});
  c.attributes.Set(Attr::transpose_lhs, transpose_lhs).Set(Attr::transpose_rhs, transpose_rhs);
  return c;
}

TEST(MatMul, EveryRowEqualsTheReference) {
  struct {
    int64_t m, n, k;
  } const cases[] = {{1, 1, 1},    {2, 3, 5},     {3, 32, 192}, {4, 33, 193},
                     {7, 31, 191}, {64, 10, 26},  {26, 96, 64}, {5, 129, 385},
                     {13, 17, 1},  {12, 64, 200}, {3, 4, 0}};
  for (const KernelRow& row : testing::AvailableRows(Rows())) {
    for (const auto& [m, n, k] : cases) {
      for (int transposed = 0; transposed < 4; ++transposed) {
        const auto c = MakeCase(m, n, k, transposed & 1, transposed & 2);
        const auto expected = c.Run(Rows().back()), actual = c.Run(row);
        ASSERT_TRUE(actual.has_value());
        EXPECT_LE(testing::LargestError(actual->results[0].values<float>(),
                                        expected->results[0].values<float>()),
                  2e-6 * static_cast<double>(k))
            << row.name << " " << m << "x" << n << "x" << k << " transposed " << transposed;
      }
    }
  }
}

TEST(MatMul, ThreadsDoNotChangeABit) {
  auto pool = ThreadPool::Create(3).value();
  for (const KernelRow& row : testing::AvailableRows(Rows())) {
    auto c = MakeCase(33, 200, 300, false, true);
    const auto single = c.Run(row);
    c.pool = &pool;
    EXPECT_TRUE(testing::SameBits(c.Run(row)->results[0], single->results[0])) << row.name;
  }
}

TEST(MatMul, RefusesOtherTypes) {
  OperatorCase c;
  c.Operand({2, 2}, RandomValues<int32_t>(4, 1)).Operand({2, 2}, RandomValues<int32_t>(4, 2));
  c.Result({DType::kI32, {2, 2}, {}});
  for (const KernelRow& row : Rows()) EXPECT_EQ(c.Make(row), nullptr) << row.name;
}

}  // namespace
}  // namespace tersor::kernels::matmul_f32
