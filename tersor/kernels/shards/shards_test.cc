#include "tersor/kernels/shards/shards.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "tersor/kernels/kernel_testing.h"
#include "tersor/kernels/thread_collective.h"

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
    for (const int shards : {1, 2, 3, 4}) {
      for (const int64_t count : {1, 2, 7, 1000, 5000}) {
        ThreadCollective group(shards);
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

TEST(ThreadCollective, ShowsWhatAShardPublishes) {
  constexpr int kShards = 3;
  ThreadCollective group(kShards);
  std::vector<int> wrong(kShards, 0);
  std::vector<std::thread> threads;
  for (int shard = 0; shard < kShards; ++shard) {
    threads.emplace_back([&, shard] {
      for (int meeting = 0; meeting < 50; ++meeting) {
        const int mine = 100 * meeting + shard;
        group.Publish(shard, std::as_bytes(std::span(&mine, 1)));
        group.Barrier();
        for (int other = 0; other < kShards; ++other) {
          const auto bytes = group.Published(other);
          int value = -1;
          if (bytes.size() == sizeof(value)) std::memcpy(&value, bytes.data(), sizeof(value));
          wrong[static_cast<size_t>(shard)] += value != 100 * meeting + other;
        }
        group.Barrier();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(kShards, 0));
}

}  // namespace
}  // namespace tersor::kernels::shards
