// The values that are computed once for a fully connected layer, before its vector code runs. They
// are plain data, because the files that are compiled for one CPU level read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tersor/kernels/kernel.h"
#include "tersor/kernels/simd/integer_chain.h"

namespace tersor::kernels::fully_connected_int8 {

/// Vectors of result channels that are computed together; the last block may have fewer.
inline constexpr int kBlockVectors = 4;

struct Plan {
  int batch = 0, in_c = 0, out_c = 0;
  IntegerChain chain;
  const int32_t* bias = nullptr;  ///< [out_c padded], folded
  const char* filter = nullptr;   ///< [block][group][vector][lane][element] i8
  int vectors = 0;                ///< vectors of result channels
  int groups = 0;                 ///< 32-bit groups of a widened input row
  int tasks = 1;                  ///< parts that the blocks are split into
};

/// One CPU level's vector code.
struct Loops {
  int lanes;  ///< i32 lanes of a vector
  int group;  ///< elements of a 32-bit group of the input: 2 (i16) or 4 (u8: q + 128)
  void (*run)(const Plan& plan, const KernelCall& call);
};

/// Vector code, by CPU level.
extern const Loops kAvx2Loops;
extern const Loops kAvx512Loops;
extern const Loops kAvx512VnniLoops;

}  // namespace tersor::kernels::fully_connected_int8
