// The arena: where each intermediate value lives.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tersor::runtime {

/// A block that must exist from step `first` to step `last`, both included.
struct BlockLifetime {
  int64_t size_bytes = 0;
  int first = 0;
  int last = 0;
};

struct MemoryPlan {
  std::vector<int64_t> offsets;  ///< of each block, multiples of 64
  int64_t arena_bytes = 0;
};

/// Places blocks so that two which live at the same step do not overlap. Greedy by size (Pisarchyk
/// & Lee 2020, section 4.2): largest first, each at the lowest offset that is free for its whole
/// life. Quadratic in the number of blocks.
MemoryPlan PlanMemory(std::span<const BlockLifetime> blocks);

/// No plan can be smaller: the largest sum of sizes that live at one step.
int64_t MemoryPlanLowerBound(std::span<const BlockLifetime> blocks);

}  // namespace tersor::runtime
