#include "tersor/kernels/updates/updates.h"

#include <gtest/gtest.h>

#include "tersor/kernels/kernel_testing.h"
#include "tersor/kernels/thread_collective.h"

namespace tersor::kernels::updates {
namespace {

using testing::OperatorCase;
using testing::RandomValues;

const std::vector<float> kRate = {0.05f};

OperatorCase Sgd(int64_t count, bool velocity, double momentum, bool nesterov,
                 double weight_decay) {
  OperatorCase c;
  c.Operand({count}, RandomValues<float>(count, 1)).Operand({count}, RandomValues<float>(count, 2));
  velocity ? c.Operand({count}, RandomValues<float>(count, 3)) : c.Absent();
  c.Operand(Shape{}, kRate);
  c.attributes.Set(Attr::momentum, momentum)
      .Set(Attr::nesterov, nesterov)
      .Set(Attr::weight_decay, weight_decay);
  return c;
}

OperatorCase Adam(int64_t count, float step, bool decoupled, double weight_decay) {
  OperatorCase c;
  auto second = RandomValues<float>(count, 4);
  for (float& value : second) value *= value;
  c.Operand({count}, RandomValues<float>(count, 1)).Operand({count}, RandomValues<float>(count, 2));
  c.Operand({count}, RandomValues<float>(count, 3)).Operand({count}, second);
  c.Operand(Shape{}, kRate).Operand(Shape{}, std::vector<float>{step});
  c.attributes.Set(Attr::epsilon, 1e-7)
      .Set(Attr::decoupled, decoupled)
      .Set(Attr::weight_decay, weight_decay);
  return c;
}

OperatorCase Average(int64_t count) {
  OperatorCase c;
  c.Operand({count}, RandomValues<float>(count, 1)).Operand({count}, RandomValues<float>(count, 2));
  c.attributes.Set(Attr::decay, 0.9);
  return c;
}

struct Update {
  OperatorCase c;
  std::span<const KernelRow> rows;
};

std::vector<Update> AllUpdates(int64_t count) {
  return {{Sgd(count, false, 0, false, 0), SgdUpdateRows()},
          {Sgd(count, true, 0.9, false, 1e-2), SgdUpdateRows()},
          {Sgd(count, true, 0.9, true, 1e-2), SgdUpdateRows()},
          {Adam(count, 1, false, 0), AdamUpdateRows()},
          {Adam(count, 100, false, 1e-2), AdamUpdateRows()},
          {Adam(count, 7, true, 1e-2), AdamUpdateRows()},
          {Average(count), MovingAverageUpdateRows()}};
}

TEST(Updates, EveryRowHasTheReferenceBits) {
  for (const int64_t count : {1, 8, 13, 31, 1000}) {
    for (const Update& update : AllUpdates(count)) {
      const auto expected = update.c.Run(update.rows.back());
      for (const KernelRow& row : testing::AvailableRows(update.rows)) {
        const auto actual = update.c.Run(row);
        for (size_t i = 0; i < actual->operands.size(); ++i) {
          if (actual->operands[i].empty()) continue;
          EXPECT_TRUE(testing::SameBits(actual->operands[i], expected->operands[i]))
              << row.family << " " << row.name << " operand " << i << " of " << count;
        }
      }
    }
  }
}

/// Each shard changes its slice and no other element; together they are the whole update.
TEST(Updates, SlicesOfShardsAreTheWholeUpdate) {
  constexpr int64_t kCount = 101;
  for (const int shards : {2, 3}) {
    ThreadCollective group(shards);
    for (Update& update : AllUpdates(kCount)) {
      for (const KernelRow& row : testing::AvailableRows(update.rows)) {
        update.c.shards = nullptr;
        const auto whole = update.c.Run(row);
        update.c.shards = &group;
        for (int shard = 0; shard < shards; ++shard) {
          update.c.shard = shard;
          const auto part = update.c.Run(row);
          const auto before = RandomValues<float>(kCount, 1);
          for (int64_t i = 0; i < kCount; ++i) {
            const bool mine = i >= kCount * shard / shards && i < kCount * (shard + 1) / shards;
            const auto at = static_cast<size_t>(i);
            EXPECT_EQ(part->operands[0].values<float>()[at],
                      mine ? whole->operands[0].values<float>()[at] : before[at]);
          }
        }
      }
    }
  }
}

TEST(SgdUpdate, FollowsTheFormula) {
  const auto run = Sgd(1, true, 0.9, true, 0.01).Run(SgdUpdateRows().back());
  const double w = RandomValues<float>(1, 1)[0], g = RandomValues<float>(1, 2)[0];
  const double v = 0.9 * RandomValues<float>(1, 3)[0] + g + 0.01 * w;
  EXPECT_NEAR(run->operands[2].values<float>()[0], v, 1e-6);
  EXPECT_NEAR(run->operands[0].values<float>()[0], w - 0.05 * (0.9 * v + g + 0.01 * w), 1e-6);
}

TEST(AdamUpdate, FollowsTheFormula) {
  const auto run = Adam(1, 3, true, 0.01).Run(AdamUpdateRows().back());
  const double w = RandomValues<float>(1, 1)[0], g = RandomValues<float>(1, 2)[0];
  const double m = 0.9 * RandomValues<float>(1, 3)[0] + 0.1 * g;
  const double v = 0.999 * std::pow(RandomValues<float>(1, 4)[0], 2) + 0.001 * g * g;
  const double direction =
      m / (1 - std::pow(0.9, 3)) / (std::sqrt(v / (1 - std::pow(0.999, 3))) + 1e-7);
  EXPECT_NEAR(run->operands[2].values<float>()[0], m, 1e-6);
  EXPECT_NEAR(run->operands[3].values<float>()[0], v, 1e-6);
  EXPECT_NEAR(run->operands[0].values<float>()[0], w - 0.05 * (direction + 0.01 * w), 2e-6);
}

}  // namespace
}  // namespace tersor::kernels::updates
