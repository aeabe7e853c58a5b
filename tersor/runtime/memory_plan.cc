#include "tersor/runtime/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace tersor::runtime {
namespace {

constexpr int64_t kAlignment = 64;

int64_t Align(int64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

MemoryPlan PlanMemory(std::span<const BlockLifetime> blocks) {
  MemoryPlan plan;
  plan.offsets.assign(blocks.size(), 0);
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return blocks[a].size_bytes > blocks[b].size_bytes; });

  std::vector<size_t> placed;  // sorted by offset
  for (size_t block : order) {
    const int64_t size = Align(blocks[block].size_bytes);
    int64_t offset = 0;
    for (size_t other : placed) {
      const bool together =
          blocks[other].first <= blocks[block].last && blocks[block].first <= blocks[other].last;
      if (!together) continue;
      if (plan.offsets[other] >= offset + size) break;
      offset = std::max(offset, plan.offsets[other] + Align(blocks[other].size_bytes));
    }
    plan.offsets[block] = offset;
    plan.arena_bytes = std::max(plan.arena_bytes, offset + size);
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), block,
                         [&](size_t a, size_t b) { return plan.offsets[a] < plan.offsets[b]; }),
        block);
  }
  return plan;
}

int64_t MemoryPlanLowerBound(std::span<const BlockLifetime> blocks) {
  int64_t bound = 0;
  for (const BlockLifetime& at : blocks) {
    int64_t sum = 0;
    for (const BlockLifetime& other : blocks) {
      if (other.first <= at.first && at.first <= other.last) sum += Align(other.size_bytes);
    }
    bound = std::max(bound, sum);
  }
  return bound;
}

}  // namespace tersor::runtime
