#include "tersor/kernels/shards/shards.h"

#include <gtest/gtest.h>

#include <thread>

#include "tersor/kernels/kernel_testing.h"
#include "tersor/kernels/shard_group.h"

namespace tersor::kernels::shards {
namespace {

using testing::OperatorCase;
using testing::RandomValues;

OperatorCase MakeCase(int64_t count, uint64_t seed) {
  OperatorCase c;
  c.Operand({count}, RandomValues<float>(count, seed)).Result({count});
  return c;
}

TEST(AllReduceSum, AloneItIsACopy) {
  const auto expected = RandomValues<float>(5, 1);
  for (const KernelRow& row : testing::AvailableRows(AllReduceSumRows())) {
    const auto run = MakeCase(5, 1).Run(row);
    const auto values = run->results[0].values<float>();
    EXPECT_EQ(std::vector<float>(values.begin(), values.end()), expected);
  }
}

/// Many sums in a row, as in a step; the input of the next changes while others may still read.
TEST(AllReduceSum, EveryShardGetsTheOrderedSum) {
  constexpr int kMeetings = 50;
  for (const KernelRow& row : testing::AvailableRows(AllReduceSumRows())) {
    for (const int shards : {1, 2, 3}) {
      for (const int64_t count : {1, 2, 7, 1000}) {
        ShardGroup group(shards);
        std::vector<std::vector<float>> results(static_cast<size_t>(shards));
        std::vector<std::thread> threads;
        for (int shard = 0; shard < shards; ++shard) {
          threads.emplace_back([&, shard] {
            for (int meeting = 0; meeting < kMeetings; ++meeting) {
              auto c = MakeCase(count, static_cast<uint64_t>(meeting * shards + shard));
              c.shards = &group;
              c.shard = shard;
              const auto run = c.Run(row);
              for (const float value : run->results[0].values<float>()) {
                results[static_cast<size_t>(shard)].push_back(value);
              }
            }
          });
        }
        for (std::thread& thread : threads) thread.join();
        std::vector<float> expected;
        for (int meeting = 0; meeting < kMeetings; ++meeting) {
          auto sum = RandomValues<float>(count, static_cast<uint64_t>(meeting * shards));
          for (int shard = 1; shard < shards; ++shard) {
            const auto other =
                RandomValues<float>(count, static_cast<uint64_t>(meeting * shards + shard));
            for (size_t i = 0; i < sum.size(); ++i) sum[i] += other[i];
          }
          expected.insert(expected.end(), sum.begin(), sum.end());
        }
        for (const auto& result : results) EXPECT_EQ(result, expected) << shards << " shards";
      }
    }
  }
}

}  // namespace
}  // namespace tersor::kernels::shards
