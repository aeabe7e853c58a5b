// The register-blocked f32 product that every convolution and matrix product here is made of.
#pragma once

#include "tersor/kernels/simd/vector.h"

// Unrolled only where it was measured to gain (3 % with AVX2): it makes the code four times as
// long.
#if defined(__AVX512F__) || defined(TERSOR_EMULATE_AVX512)
#define TERSOR_UNROLL_DEPTH
#elif defined(__clang__)
#define TERSOR_UNROLL_DEPTH _Pragma("unroll 4")
#else
#define TERSOR_UNROLL_DEPTH _Pragma("GCC unroll 4")
#endif

namespace tersor::kernels {
namespace {

/// Rows of a register block that is two vectors, or one vector, wide.
constexpr int kRowsOfTwo = kLanes == 16 ? 12 : 6;
constexpr int kRowsOfOne = kLanes == 16 ? 14 : 8;

/// acc[r][j] += sum over i < depth of a[r * a_row + i * a_step] * b[i * b_step + j * kLanes ...],
/// in order of i, with fused multiply-adds. With kSums > 1, kSums independent sums take turns: a
/// small block then need not wait for the latency of its own multiply-adds.
template <int kRows, int kVectors, int kSums = 1>
TERSOR_INLINE void AddProducts(F32 (&acc)[kRows][kVectors], const float* a, int64_t a_row,
                               int64_t a_step, const float* b, int64_t b_step, int64_t depth) {
  const auto step = [&](F32(&sum)[kRows][kVectors]) TERSOR_LAMBDA {
    F32 right[kVectors];
    TERSOR_UNROLL for (int j = 0; j < kVectors; ++j) right[j] = F32::Load(b + j * kLanes);
    TERSOR_UNROLL for (int r = 0; r < kRows; ++r) {
      const F32 left = F32::Fill(a[r * a_row]);
      TERSOR_UNROLL for (int j = 0; j < kVectors; ++j) {
        sum[r][j] = MultiplyAdd(left, right[j], sum[r][j]);
      }
    }
    a += a_step;
    b += b_step;
  };
  // A block that fills the registers has none left for the values of further steps.
  constexpr bool kFills = kLanes < 16 && kRows * kVectors + kVectors >= 16;
  if constexpr (kFills) {
    for (int64_t i = 0; i < depth; ++i) step(acc);
  } else if constexpr (kSums == 1) {
    TERSOR_UNROLL_DEPTH for (int64_t i = 0; i < depth; ++i) step(acc);
  } else {
    F32 sums[kSums][kRows][kVectors];
    const auto each = [&](const auto& body) TERSOR_LAMBDA {
      TERSOR_UNROLL for (int s = 0; s < kSums; ++s) {
        TERSOR_UNROLL for (int r = 0; r < kRows; ++r) {
          TERSOR_UNROLL for (int j = 0; j < kVectors; ++j) body(sums[s][r][j], acc[r][j]);
        }
      }
    };
    each([](F32& sum, F32&) TERSOR_LAMBDA { sum = F32::Zero(); });
    int64_t i = 0;
    for (; i + kSums <= depth; i += kSums) {
      TERSOR_UNROLL for (int s = 0; s < kSums; ++s) step(sums[s]);
    }
    for (; i < depth; ++i) step(acc);
    each([](F32& sum, F32& total) TERSOR_LAMBDA { total = total + sum; });
  }
}

/// Calls call.template operator()<rows, vectors>() with `rows` made a constant.
template <int kVectors, int kRows, typename Call>
TERSOR_INLINE void WithRows(int rows, const Call& call) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return WithRows<kVectors, kRows - 1>(rows, call);
  }
  call.template operator()<kRows, kVectors>();
}

/// Cuts `count` rows into the fewest blocks of at most `most`, as even as can be, and calls
/// body(first, rows).
template <typename Body>
TERSOR_INLINE void EvenBlocks(int64_t count, int most, const Body& body) {
  const int64_t blocks = (count + most - 1) / most;
  int64_t first = 0;
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t rows = count / blocks + (block < count % blocks);
    body(first, static_cast<int>(rows));
    first += rows;
  }
}

}  // namespace
}  // namespace tersor::kernels
