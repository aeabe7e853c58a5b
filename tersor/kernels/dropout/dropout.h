// Dropout in f32 (Srivastava et al. 2014), also its own gradient:
//
//   output = input / (1 - rate) where kept, else 0
//
// Element i of example n of the call has the global index e = (first_example + n) *
// elements_per_example + i. It is kept when word e % 4 of Philox(seed, stream, e / 4) is at least
// rate * 2^32 (rounded), with stream = kStreamBase + counter (tersor/base/random.h). So the mask
// depends on the seed, the counter of the step and the index alone: any cut of a batch into shards
// gives the same, and the gradient draws again what the forward pass drew.
//
// input [N, ...], counter an i64 scalar. The result may alias the input. The same bits in every
// row. One thread. A rate of 0 copies, a rate of 1 gives zeros.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::dropout {

std::span<const KernelRow> Rows();

/// Keeps these draws apart from other users of one seed.
inline constexpr uint64_t kStreamBase = 0x6472'6f70'0000'0000;

}  // namespace tersor::kernels::dropout
