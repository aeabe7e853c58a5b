#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <vector>

#include "tersor/base/cpu.h"
#include "tersor/base/file.h"
#include "tersor/base/random.h"
#include "tersor/base/thread_pool.h"

namespace tersor {
namespace {

TEST(ThreadPool, RunsEachTaskOnce) {
  for (int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 200; ++round) {
      std::vector<std::atomic<int>> hits(17);
      pool.Run(17, [&](int task) { hits[static_cast<size_t>(task)].fetch_add(1); });
      for (auto& hit : hits) ASSERT_EQ(hit.load(), 1);
    }
  }
}

TEST(Random, MatchesPublishedPhiloxVectors) {
  // Random123 1.14, kat_vectors: philox 4x32 10 rounds.
  EXPECT_EQ(Philox(0, 0, 0),
            (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox(~0ull, ~0ull, ~0ull),
            (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(Random, BoundedValuesStayBelow) {
  Random random(1, 2);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.NextBelow(7));
  EXPECT_EQ(seen, (std::set<uint64_t>{0, 1, 2, 3, 4, 5, 6}));
}

TEST(CpuFeatures, ACapDropsWhatComesAfter) {
  const CpuFeatures machine = CpuFeatures::Machine();
  EXPECT_EQ(machine.CappedAt(CpuLevel::kAny).best(), CpuLevel::kAny);
  EXPECT_FALSE(machine.CappedAt(CpuLevel::kAvx2).Has(CpuLevel::kAvx512));
  EXPECT_EQ(ParseCpuLevel("avx512vnni"), CpuLevel::kAvx512Vnni);
}

TEST(File, AFailedWriteLeavesTheOldFile) {
  const std::string path = testing::TempDir() + "/tersor_file_test";
  ASSERT_TRUE(WriteFileAtomically(path, "first").ok());
  EXPECT_EQ(*ReadFile(path), "first");
  EXPECT_FALSE(WriteFileAtomically(path + "/below", "second").ok());
  EXPECT_EQ(*ReadFile(path), "first");
  EXPECT_EQ(ReadFile(path + ".none").status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(MapFile(testing::TempDir()).ok());
  auto mapped = MapFile(path);
  ASSERT_TRUE(mapped.ok());
  EXPECT_EQ((*mapped)->size_bytes(), 5u);
}

}  // namespace
}  // namespace tersor
