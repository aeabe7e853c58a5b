// AllReduceSum: sum[i] = input[i] of shard 0 + input[i] of shard 1 + ..., in this order, in f32:
// the same bits in every shard. Without shards (KernelCall::shards null) the input itself.
//
// All shards of the group call it, in the same order of operators; it is a meeting
// (Collective::Sum). The input of no shard may overlap the result of any.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::shards {

std::span<const KernelRow> AllReduceSumRows();

}  // namespace tersor::kernels::shards
