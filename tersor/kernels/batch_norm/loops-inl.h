// The loops of loops.h over the vector of the including file.
#pragma once

#include "tersor/kernels/batch_norm/loops.h"
#include "tersor/kernels/simd/vector.h"

namespace tersor::kernels::batch_norm {
namespace {

/// body(i, j, lanes) for the vectors of the data: i in the data, j in the period.
template <typename Body>
inline void ForEachVector(int64_t count, int64_t period, const Body& body) {
  int64_t i = 0;
  for (; i + period <= count; i += period) {
    for (int64_t j = 0; j < period; j += kLanes) body(i + j, j, int64_t{kLanes});
  }
  for (int64_t j = 0; i < count; i += kLanes, j += kLanes) body(i, j, count - i);
}

// The tables' addresses are copied: a vector that is stored could change them where they lie.
void Normalize(const Affine& affine, const float* input, float* output) {
  const float *mean = affine.mean, *factor = affine.factor, *offset = affine.offset;
  ForEachVector(affine.count, affine.period, [&](int64_t i, int64_t j, int64_t lanes) {
    const F32 centered = LoadUpTo(input + i, lanes) - F32::Load(mean + j);
    StoreUpTo(output + i, lanes,
              MultiplyAdd(centered, F32::Load(factor + j), F32::Load(offset + j)));
  });
}

void Gradient(const Affine& affine, const float* gradient, const float* input, float* output) {
  const float *mean = affine.mean, *factor = affine.factor;
  const float *slope = affine.slope, *offset = affine.offset;
  ForEachVector(affine.count, affine.period, [&](int64_t i, int64_t j, int64_t lanes) {
    const F32 centered = LoadUpTo(input + i, lanes) - F32::Load(mean + j);
    const F32 direct =
        MultiplyAdd(LoadUpTo(gradient + i, lanes), F32::Load(factor + j), F32::Load(offset + j));
    StoreUpTo(output + i, lanes, MultiplyAdd(centered, F32::Load(slope + j), direct));
  });
}

/// Computes two sums over all rows for each of kVectors * kLanes columns, and adds them to `sums`
/// (period first sums, then period second ones), beginning at `column`. For one vector,
/// term(i, j, a, b) adds to the sums a and b what its elements contribute: they begin at index i of
/// the data, which is column j.
template <int kVectors, typename Term>
inline void SumColumns(int64_t rows, int64_t period, int64_t column, double* sums,
                       const Term& term) {
  F32 a[kVectors], b[kVectors];
  TERSOR_UNROLL
  for (int v = 0; v < kVectors; ++v) a[v] = b[v] = F32::Zero();
  for (int64_t row = 0; row < rows; ++row) {
    TERSOR_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const int64_t j = column + v * kLanes;
      term(row * period + j, j, a[v], b[v]);
    }
  }
  TERSOR_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    AddToDoubles(a[v], sums + column + v * kLanes);
    AddToDoubles(b[v], sums + period + column + v * kLanes);
  }
}

template <typename Term>
inline void SumPeriods(int64_t rows, int64_t period, double* sums, const Term& term) {
  int64_t column = 0;
  for (; column + 4 * kLanes <= period; column += 4 * kLanes) {
    SumColumns<4>(rows, period, column, sums, term);
  }
  for (; column < period; column += kLanes) SumColumns<1>(rows, period, column, sums, term);
}

void AddMoments(const float* input, int64_t rows, int64_t period, double* sums) {
  SumPeriods(rows, period, sums, [&](int64_t i, int64_t, F32& sum, F32& squares) {
    const F32 x = F32::Load(input + i);
    sum = sum + x;
    squares = MultiplyAdd(x, x, squares);
  });
}

void AddGradients(const float* gradient, const float* input, const float* mean, int64_t rows,
                  int64_t period, double* sums) {
  SumPeriods(rows, period, sums, [&](int64_t i, int64_t j, F32& sum, F32& products) {
    const F32 g = F32::Load(gradient + i);
    sum = sum + g;
    products = MultiplyAdd(g, F32::Load(input + i) - F32::Load(mean + j), products);
  });
}

constexpr Loops kLoops = {kLanes, Normalize, Gradient, AddMoments, AddGradients};

}  // namespace
}  // namespace tersor::kernels::batch_norm
