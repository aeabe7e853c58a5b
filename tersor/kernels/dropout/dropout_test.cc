#include "tersor/kernels/dropout/dropout.h"

#include <gtest/gtest.h>

#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::dropout {
namespace {

using testing::OperatorCase;

OperatorCase MakeCase(int64_t examples, int64_t elements, double rate, int64_t seed,
                      int64_t counter) {
  OperatorCase c;
  c.Operand({examples, elements}, testing::RandomValues<float>(examples * elements, 1));
  c.Operand(Shape{}, std::vector<int64_t>{counter}).Result({examples, elements});
  c.attributes.Set(Attr::rate, rate).Set(Attr::seed, seed);
  return c;
}

std::vector<float> Ones(int64_t count) {
  return std::vector<float>(static_cast<size_t>(count), 1.0f);
}

TEST(Dropout, EveryRowHasTheReferenceBits) {
  struct {
    int64_t examples, elements, first_example;
  } const shapes[] = {{1, 1, 0}, {3, 7, 0}, {2, 33, 1}, {5, 101, 7}, {4, 128, 1'000'000'000'000}};
  for (const auto& [examples, elements, first_example] : shapes) {
    for (const double rate : {0.0, 0.3, 0.5, 1.0}) {
      for (const int64_t counter : {int64_t{0}, int64_t{5}, int64_t{1} << 40}) {
        auto c = MakeCase(examples, elements, rate, -3, counter);
        c.first_example = first_example;
        const auto expected = c.Run(Rows().back());
        for (const KernelRow& row : testing::AvailableRows(Rows())) {
          const auto actual = c.Run(row);
          if (!actual) {
            EXPECT_EQ(rate, 1.0) << row.name;
            continue;
          }
          EXPECT_TRUE(testing::SameBits(actual->results[0], expected->results[0]))
              << row.name << " " << examples << "x" << elements << " rate " << rate;
        }
      }
    }
  }
}

TEST(Dropout, CountersBeyond32BitsCarry) {
  // The global index of the second example crosses 2^34, its counter 2^32.
  auto c = MakeCase(2, 64, 0.5, 1, 1);
  c.first_example = (int64_t{1} << 34) / 64 - 1;
  const auto expected = c.Run(Rows().back());
  for (const KernelRow& row : testing::AvailableRows(Rows())) {
    EXPECT_TRUE(testing::SameBits(c.Run(row)->results[0], expected->results[0])) << row.name;
  }
}

/// Shards of a batch draw the mask that the whole batch draws.
TEST(Dropout, TheMaskDoesNotDependOnTheCut) {
  constexpr int64_t kExamples = 5, kElements = 37;
  const auto run = [](const KernelRow& row, int64_t first, int64_t examples) {
    OperatorCase c;
    c.Operand({examples, kElements}, Ones(examples * kElements));
    c.Operand(Shape{}, std::vector<int64_t>{9}).Result({examples, kElements});
    c.attributes.Set(Attr::rate, 0.4);
    c.first_example = first;
    const auto outcome = c.Run(row);
    const auto values = outcome->results[0].values<float>();
    return std::vector<float>(values.begin(), values.end());
  };
  for (const KernelRow& row : testing::AvailableRows(Rows())) {
    const auto whole = run(row, 0, kExamples);
    for (int64_t cut = 1; cut < kExamples; ++cut) {
      auto parts = run(row, 0, cut);
      const auto rest = run(row, cut, kExamples - cut);
      parts.insert(parts.end(), rest.begin(), rest.end());
      EXPECT_EQ(parts, whole) << row.name << " cut at " << cut;
    }
  }
}

TEST(Dropout, DropsTheStatedShareAndScalesTheRest) {
  constexpr int64_t kCount = 100'000;
  OperatorCase c;
  c.Operand({1, kCount}, Ones(kCount)).Operand(Shape{}, std::vector<int64_t>{2});
  c.Result({1, kCount});
  c.attributes.Set(Attr::rate, 0.25);
  for (const KernelRow& row : testing::AvailableRows(Rows())) {
    int64_t dropped = 0;
    const auto run = c.Run(row);
    for (const float value : run->results[0].values<float>()) {
      if (value == 0) {
        ++dropped;
      } else {
        EXPECT_EQ(value, static_cast<float>(1 / 0.75));
      }
    }
    EXPECT_NEAR(static_cast<double>(dropped) / kCount, 0.25, 0.005) << row.name;
  }
}

TEST(Dropout, SeedAndCounterChangeTheMask) {
  const auto base = MakeCase(1, 64, 0.5, 1, 1).Run(Rows().back());
  EXPECT_FALSE(testing::SameBits(MakeCase(1, 64, 0.5, 2, 1).Run(Rows().back())->results[0],
                                 base->results[0]));
  EXPECT_FALSE(testing::SameBits(MakeCase(1, 64, 0.5, 1, 2).Run(Rows().back())->results[0],
                                 base->results[0]));
}

}  // namespace
}  // namespace tersor::kernels::dropout
