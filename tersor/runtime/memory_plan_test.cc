#include "tersor/runtime/memory_plan.h"

#include <gtest/gtest.h>

#include "tersor/base/random.h"

namespace tersor::runtime {
namespace {

TEST(PlanMemory, BlocksOfDisjointLivesShareAPlace) {
  const BlockLifetime blocks[] = {{1024, 0, 1}, {512, 1, 2}, {1024, 2, 3}};
  const MemoryPlan plan = PlanMemory(blocks);
  EXPECT_EQ(plan.offsets[0], plan.offsets[2]);
  EXPECT_EQ(plan.arena_bytes, 1536);
  EXPECT_EQ(MemoryPlanLowerBound(blocks), 1536);
}

TEST(PlanMemory, NothingOverlapsInRandomPlans) {
  Random random(7, 0);
  for (int round = 0; round < 200; ++round) {
    std::vector<BlockLifetime> blocks(1 + random.NextBelow(30));
    for (auto& block : blocks) {
      block.size_bytes = static_cast<int64_t>(random.NextBelow(5000));
      block.first = static_cast<int>(random.NextBelow(20));
      block.last = block.first + static_cast<int>(random.NextBelow(6));
    }
    const MemoryPlan plan = PlanMemory(blocks);
    EXPECT_GE(plan.arena_bytes, MemoryPlanLowerBound(blocks));
    for (size_t a = 0; a < blocks.size(); ++a) {
      EXPECT_EQ(plan.offsets[a] % 64, 0);
      EXPECT_LE(plan.offsets[a] + blocks[a].size_bytes, plan.arena_bytes);
      for (size_t b = 0; b < a; ++b) {
        if (blocks[a].first > blocks[b].last || blocks[b].first > blocks[a].last) continue;
        EXPECT_TRUE(plan.offsets[a] + blocks[a].size_bytes <= plan.offsets[b] ||
                    plan.offsets[b] + blocks[b].size_bytes <= plan.offsets[a]);
      }
    }
  }
}

}  // namespace
}  // namespace tersor::runtime
