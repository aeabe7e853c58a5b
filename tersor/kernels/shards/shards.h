// AllReduceSum: sum[i] = input[i] of shard 0 + input[i] of shard 1 + ..., in this order, in f32:
// the same bits in every shard. Without shards (KernelCall::shards is null) it is the input.
//
// All shards of the group call it, in the same order of operators, and wait for one another
// (Collective::Sum). An input of one shard must not overlap the result of any shard.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::shards {

std::span<const KernelRow> AllReduceSumRows();

}  // namespace tersor::kernels::shards
