#include "tersor/kernels/embedding/embedding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::embedding {
namespace {

using testing::OperatorCase;

constexpr int32_t kLargest = std::numeric_limits<int32_t>::max();
constexpr int32_t kLowest = std::numeric_limits<int32_t>::min();

TEST(Embedding, CopiesTheRowOfEachIndex) {
  OperatorCase c;
  c.Operand({4, 3}, std::vector<float>{0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32});
  c.Operand({2, 2}, std::vector<int32_t>{3, 0, 3, 2}).Result({2, 2, 3});
  for (const KernelRow& row : testing::AvailableRows(EmbeddingRows())) {
    const auto run = c.Run(row);
    const auto output = run->results[0].values<float>();
    EXPECT_EQ(std::vector<float>(output.begin(), output.end()),
              (std::vector<float>{30, 31, 32, 0, 1, 2, 30, 31, 32, 20, 21, 22}));
  }
}

TEST(Embedding, AnIndexOutsideOfTheTableGivesNaN) {
  OperatorCase c;
  c.Operand({2, 3}, std::vector<float>{0, 1, 2, 10, 11, 12});
  c.Operand({5}, std::vector<int32_t>{-1, 2, kLargest, kLowest, 1}).Result({5, 3});
  for (const KernelRow& row : testing::AvailableRows(EmbeddingRows())) {
    const auto run = c.Run(row);
    const auto output = run->results[0].values<float>();
    for (size_t i = 0; i < 12; ++i) EXPECT_TRUE(std::isnan(output[i])) << i;
    EXPECT_EQ(output[12], 10);
    EXPECT_EQ(output[14], 12);
  }
}

TEST(EmbeddingGrad, SumsTheUsesOfEachRowInTheirOrder) {
  // 1e8 + 1 - 1e8 is 0 in f32, in this order alone; rows 0 and 2 are used once and never.
  OperatorCase c;
  c.Operand({4, 2}, std::vector<float>{1e8f, 1, 1, 2, -1e8f, 3, 5, 6});
  c.Operand({4}, std::vector<int32_t>{1, 1, 1, 0}).Result({3, 2});
  c.attributes.Set(Attr::input_shape, std::vector<int64_t>{3, 2});
  for (const KernelRow& row : testing::AvailableRows(EmbeddingGradRows())) {
    const auto run = c.Run(row);
    const auto gradient = run->results[0].values<float>();
    EXPECT_EQ(std::vector<float>(gradient.begin(), gradient.end()),
              (std::vector<float>{5, 6, 0, 6, 0, 0}));
  }
}

TEST(EmbeddingGrad, AnIndexOutsideOfTheTableAddsNothing) {
  OperatorCase c;
  c.Operand({4, 1}, std::vector<float>{1, 2, 4, 8});
  c.Operand({4}, std::vector<int32_t>{-1, 2, kLargest, 1}).Result({2, 1});
  c.attributes.Set(Attr::input_shape, std::vector<int64_t>{2, 1});
  for (const KernelRow& row : testing::AvailableRows(EmbeddingGradRows())) {
    const auto run = c.Run(row);
    const auto gradient = run->results[0].values<float>();
    EXPECT_EQ(gradient[0], 0);
    EXPECT_EQ(gradient[1], 8);
  }
}

}  // namespace
}  // namespace tersor::kernels::embedding
