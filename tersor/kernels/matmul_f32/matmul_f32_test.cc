#include "tersor/kernels/matmul_f32/matmul_f32.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

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

// Stacks against the products of their matrices, one by one.
TEST(MatMul, AStackIsTheProductsOfItsMatrices) {
  struct {
    std::vector<int64_t> lhs, rhs, leading;  // leading axes
  } const cases[] = {{{2, 3}, {2, 3}, {2, 3}}, {{2, 1}, {3}, {2, 3}}, {{}, {4}, {4}},
                     {{5}, {}, {5}},           {{1}, {1, 1}, {1, 1}}, {{3}, {2, 1}, {2, 3}}};
  constexpr int64_t kM = 7, kN = 33, kK = 20;
  auto pool = ThreadPool::Create(3).value();
  for (const KernelRow& row : testing::AvailableRows(Rows())) {
    for (const auto& [lhs, rhs, leading] : cases) {
      for (int variant = 0; variant < 8; ++variant) {
        const bool left = variant & 1, right = variant & 2;
        auto with = [](std::vector<int64_t> dims, int64_t rows, int64_t columns) {
          dims.push_back(rows);
          dims.push_back(columns);
          return Shape(std::move(dims));
        };
        const Shape a = left ? with(lhs, kK, kM) : with(lhs, kM, kK);
        const Shape b = right ? with(rhs, kN, kK) : with(rhs, kK, kN);
        const auto a_values = RandomValues<float>(a.num_elements(), 1);
        const auto b_values = RandomValues<float>(b.num_elements(), 2);
        OperatorCase c;
        c.Operand(a, a_values).Operand(b, b_values).Result(with(leading, kM, kN));
        c.attributes.Set(Attr::transpose_lhs, left).Set(Attr::transpose_rhs, right);
        if (variant & 4) c.pool = &pool;
        const auto found = c.Run(row);
        ASSERT_TRUE(found.has_value());
        const auto products = found->results[0].values<float>();

        // The index of the result's matrix, along the axes that an operand has.
        const Shape all(leading);
        auto matrix_of = [&](const std::vector<int64_t>& own, int64_t index) {
          int64_t place = 0, step = 1;
          for (int axis = all.rank() - 1; axis >= 0; --axis) {
            const int64_t at = index % all[axis];
            index /= all[axis];
            const int mine = axis - (all.rank() - static_cast<int>(own.size()));
            if (mine < 0 || own[static_cast<size_t>(mine)] == 1) continue;
            place += at * step;
            step *= own[static_cast<size_t>(mine)];
          }
          return place;
        };
        for (int64_t i = 0; i < all.num_elements(); ++i) {
          auto part = [](const std::vector<float>& values, int64_t matrix, int64_t size) {
            return std::vector<float>(values.begin() + matrix * size,
                                      values.begin() + (matrix + 1) * size);
          };
          OperatorCase one;
          one.Operand(left ? Shape{kK, kM} : Shape{kM, kK},
                      part(a_values, matrix_of(lhs, i), kM * kK));
          one.Operand(right ? Shape{kN, kK} : Shape{kK, kN},
                      part(b_values, matrix_of(rhs, i), kK * kN));
          one.Result({kM, kN});
          one.attributes = c.attributes;
          const auto expected = one.Run(row);
          EXPECT_LE(
              testing::LargestError(products.subspan(static_cast<size_t>(i * kM * kN), kM * kN),
                                    expected->results[0].values<float>()),
              2e-6 * kK)
              << row.name << " " << a.ToString() << " " << b.ToString() << " matrix " << i;
        }
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
