// The vector code of fully_connected_int8, in the width of the including file: a 32-bit group of
// the widened input is broadcast against blocks of result channels.
#pragma once

#include "tersor/kernels/fully_connected_int8/loops.h"
#include "tersor/kernels/simd/integer_chain-inl.h"

namespace tersor::kernels::fully_connected_int8 {
namespace {

#if defined(TERSOR_DOT_QUADS)
using Filter = PlainFilter;
#else
using Filter = ByteFilter;
#endif

template <int kRows, int kVectors>
void Rows(const Plan& plan, const ChainTarget& target, const char* filter, int vector, int first,
          const Element* input) {
  const char* rows[kRows];
  ptrdiff_t offsets[4] = {-1, -1, -1, -1};
  I32 acc[kRows][kVectors];
  TERSOR_UNROLL
  for (int r = 0; r < kRows; ++r) {
    rows[r] = reinterpret_cast<const char*>(input) + ptrdiff_t{first + r} * plan.groups * 4;
    offsets[r] = ptrdiff_t{first + r} * plan.out_c;
    TERSOR_UNROLL
    for (int v = 0; v < kVectors; ++v) acc[r][v] = I32::Load(plan.bias + (vector + v) * kLanes);
  }
  MultiplyGroups<kRows, kVectors, kGroupDot, Filter>(rows, 0, ptrdiff_t{plan.groups} * 4, filter,
                                                     acc);
  TERSOR_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    const int channel = (vector + v) * kLanes;
    const int count = Smaller(kLanes, plan.out_c - channel);
    if constexpr (kRows == 1) {
      FinishSums(plan.chain, target, channel, count, acc[0] + v, offsets, 1);
    } else {
      const I32 sums[4] = {acc[0][v], acc[1][v], acc[0][v], acc[1][v]};
      FinishSums(plan.chain, target, channel, count, sums, offsets, 4);
    }
  }
}

template <int kVectors>
void Block(const Plan& plan, const ChainTarget& target, const char* filter, int vector,
           const Element* input) {
  int n = 0;
  for (; n + 2 <= plan.batch; n += 2) {
    Rows<2, kVectors>(plan, target, filter, vector, n, input);
  }
  if (n < plan.batch) Rows<1, kVectors>(plan, target, filter, vector, n, input);
}

void Run(const Plan& plan, const KernelCall& call) {
  const ChainTarget target{call.results[0].as<int8_t>(), call.operands.data()};
  const int8_t* from = call.operands[0].as<int8_t>();
  auto* input = static_cast<Element*>(call.scratch);
  const ptrdiff_t row = ptrdiff_t{plan.groups} * 4 / static_cast<ptrdiff_t>(sizeof(Element));
  for (ptrdiff_t n = 0; n < plan.batch; ++n) {
    Widen(input + n * row, from + n * plan.in_c, plan.in_c);
  }
  const int blocks = CeilDiv(plan.vectors, kBlockVectors);
  const ptrdiff_t block_bytes = ptrdiff_t{plan.groups} * kBlockVectors * Filter::kBytes;
  call.pool->Run(plan.tasks, [&](int task) {
    const auto end = static_cast<int>(int64_t{blocks} * (task + 1) / plan.tasks);
    for (auto b = static_cast<int>(int64_t{blocks} * task / plan.tasks); b < end; ++b) {
      const char* filter = plan.filter + b * block_bytes;
      const int vector = b * kBlockVectors;
      switch (Smaller(kBlockVectors, plan.vectors - vector)) {
        case 1:
          Block<1>(plan, target, filter, vector, input);
          break;
        case 2:
          Block<2>(plan, target, filter, vector, input);
          break;
        case 3:
          Block<3>(plan, target, filter, vector, input);
          break;
        default:
          Block<4>(plan, target, filter, vector, input);
      }
    }
  });
}

constexpr Loops kLoops = {.lanes = kLanes, .group = 4 / sizeof(Element), .run = Run};

}  // namespace
}  // namespace tersor::kernels::fully_connected_int8
