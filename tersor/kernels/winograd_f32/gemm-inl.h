// The register-blocked product that every convolution kernel here is made of.
#pragma once

#include "tersor/kernels/winograd_f32/vec-inl.h"

// Unrolled only where it was measured to gain (3 % with AVX2): it makes the code four times as
// long.
#if defined(TERSOR_AVX512)
#define TERSOR_UNROLL_DEPTH
#elif defined(__clang__)
#define TERSOR_UNROLL_DEPTH _Pragma("unroll 4")
#else
#define TERSOR_UNROLL_DEPTH _Pragma("GCC unroll 4")
#endif

namespace tersor::kernels {
namespace {

/// Rows of a register block that is two vectors, or one vector, wide.
#if defined(TERSOR_AVX512)
constexpr int kRowsOfTwo = 12;
constexpr int kRowsOfOne = 14;
#else
constexpr int kRowsOfTwo = 6;
constexpr int kRowsOfOne = 8;
#endif

/// acc[r][j] += sum over i < depth of A(r, i) * b[i * ldb + j * kWidth ...], in order of i, fused.
/// A(r, i) is a[r * lda + i], or a[i * lda + r] when kTransposed.
template <int kRows, int kVectors, bool kTransposed>
TERSOR_INLINE void MultiplyAdd(Vec (&acc)[kRows][kVectors], const float* a, int64_t lda,
                               const float* b, int64_t ldb, int64_t depth) {
  TERSOR_UNROLL_DEPTH for (int64_t i = 0; i < depth; ++i) {
    Vec right[kVectors];
    TERSOR_UNROLL for (int j = 0; j < kVectors; ++j) right[j] = Load(b + j * kWidth);
    TERSOR_UNROLL for (int r = 0; r < kRows; ++r) {
      const Vec left = Broadcast(a[kTransposed ? r : r * lda]);
      TERSOR_UNROLL for (int j = 0; j < kVectors; ++j) {
        acc[r][j] = MulAdd(left, right[j], acc[r][j]);
      }
    }
    a += kTransposed ? lda : 1;
    b += ldb;
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
