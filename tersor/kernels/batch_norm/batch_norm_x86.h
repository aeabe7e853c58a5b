// Batch normalization for the vector width of the file that includes it.
//
// The data is walked flat, whatever the number of channels: a period is a number of floats that is
// a multiple of both the channels and the vector, and what depends on the channel is laid out once
// for a whole period. Periods begin at channel 0.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tersor/kernels/batch_norm/batch_norm.h"
#include "tersor/kernels/simd/x86_vector.h"

namespace tersor::kernels::batch_norm {
namespace {

constexpr int kLanes = Vector::kLanes;

/// The shortest period of at least 128 floats (so that loops over it are worth their start).
inline int64_t PeriodOf(int64_t channels) {
  const int64_t shortest = std::lcm(channels, int64_t{kLanes});
  return (127 + shortest) / shortest * shortest;
}

/// table[i] = of(i % channels), for a period.
template <typename Function>
inline void FillPeriod(float* table, int64_t period, int64_t channels, Function of) {
  for (int64_t c = 0; c < channels; ++c) table[c] = static_cast<float>(of(c));
  for (int64_t i = channels; i < period; ++i) table[i] = table[i - channels];
}

inline double InverseDeviation(float variance, double epsilon) {
  return 1 / std::sqrt(double{variance} + epsilon);
}

/// body(i, j, lanes) for the vectors of [begin, end), which begins a period: i in the data, j in
/// the period.
template <typename Body>
inline void ForEachVector(int64_t begin, int64_t end, int64_t period, Body body) {
  int64_t i = begin;
  for (; i + period <= end; i += period) {
    for (int64_t j = 0; j < period; j += kLanes) body(i + j, j, kLanes);
  }
  for (int64_t j = 0; i < end; i += kLanes, j += kLanes) {
    body(i, j, static_cast<int>(std::min<int64_t>(kLanes, end - i)));
  }
}

inline Vector LoadUpTo(const float* p, int lanes) {
  return lanes == kLanes ? Vector::Load(p) : Vector::LoadPart(p, lanes);
}
inline void StoreUpTo(Vector v, float* p, int lanes) {
  lanes == kLanes ? v.Store(p) : v.StorePart(p, lanes);
}

class NormKernel : public Kernel {
 public:
  NormKernel(const Extents& e, int threads) : e_(e), period_(PeriodOf(e.channels)) {
    constexpr int64_t kTaskValues = 50'000;  // some ten microseconds of reading and writing
    tasks_ = static_cast<int>(std::clamp<int64_t>(e.cells * e.channels / kTaskValues, 1, threads));
  }
  size_t scratch_bytes() const override { return static_cast<size_t>(3 * period_) * sizeof(float); }

  void Run(const KernelCall& call) const override {
    const auto* input = call.operands[0].as<float>();
    const auto* scale = call.operands[1].as<float>();
    const auto* offset = call.operands[2].as<float>();
    const auto* mean = call.operands[3].as<float>();
    const auto* variance = call.operands[4].as<float>();
    auto* output = call.results[0].as<float>();
    auto* means = static_cast<float*>(call.scratch);
    float *factors = means + period_, *offsets = factors + period_;
    FillPeriod(means, period_, e_.channels, [&](int64_t c) { return mean[c]; });
    FillPeriod(factors, period_, e_.channels,
               [&](int64_t c) { return scale[c] * InverseDeviation(variance[c], e_.epsilon); });
    FillPeriod(offsets, period_, e_.channels, [&](int64_t c) { return offset[c]; });
    const int64_t count = e_.cells * e_.channels, periods = (count + period_ - 1) / period_;
    call.pool->Run(tasks_, [&](int task) {
      const int64_t begin = periods * task / tasks_ * period_;
      const int64_t end = std::min(count, periods * (task + 1) / tasks_ * period_);
      ForEachVector(begin, end, period_, [&](int64_t i, int64_t j, int lanes) {
        const Vector centered = LoadUpTo(input + i, lanes) - Vector::Load(means + j);
        StoreUpTo(
            Vector::MultiplyAdd(centered, Vector::Load(factors + j), Vector::Load(offsets + j)),
            output + i, lanes);
      });
    });
  }

 private:
  Extents e_;
  int64_t period_;
  int tasks_;
};

class GradKernel : public Kernel {
 public:
  GradKernel(const Extents& e, int) : e_(e), period_(PeriodOf(e.channels)) {}
  size_t scratch_bytes() const override { return static_cast<size_t>(4 * period_) * sizeof(float); }

  void Run(const KernelCall& call) const override {
    const auto* gradient = call.operands[0].as<float>();
    const auto* input = call.operands[1].as<float>();
    const auto* scale = call.operands[2].as<float>();
    const auto* mean = call.operands[3].as<float>();
    const auto* variance = call.operands[4].as<float>();
    const auto* sums = call.operands[5].as<float>();
    const double count = call.operands[6].as<float>()[0];
    auto* input_gradient = call.results[0].as<float>();
    // input_gradient = gradient * factor + (input - mean) * slope + shift
    auto* means = static_cast<float*>(call.scratch);
    float *factors = means + period_, *slopes = factors + period_, *shifts = slopes + period_;
    const auto factor = [&](int64_t c) {
      return scale[c] * InverseDeviation(variance[c], e_.epsilon);
    };
    FillPeriod(means, period_, e_.channels, [&](int64_t c) { return mean[c]; });
    FillPeriod(factors, period_, e_.channels, factor);
    FillPeriod(slopes, period_, e_.channels, [&](int64_t c) {
      return -factor(c) * InverseDeviation(variance[c], e_.epsilon) * sums[e_.channels + c] / count;
    });
    FillPeriod(shifts, period_, e_.channels,
               [&](int64_t c) { return -factor(c) * sums[c] / count; });
    ForEachVector(0, e_.cells * e_.channels, period_, [&](int64_t i, int64_t j, int lanes) {
      const Vector centered = LoadUpTo(input + i, lanes) - Vector::Load(means + j);
      const Vector direct = Vector::MultiplyAdd(
          LoadUpTo(gradient + i, lanes), Vector::Load(factors + j), Vector::Load(shifts + j));
      StoreUpTo(Vector::MultiplyAdd(centered, Vector::Load(slopes + j), direct), input_gradient + i,
                lanes);
    });
  }

 private:
  Extents e_;
  int64_t period_;
};

/// Adds two terms of each value to two sums a lane. term(i, j, a, b): the vector at i in the data,
/// j in the period, to the sums a and b. `vectors` neighbours at once, over `rows` periods.
template <int kVectors, typename Term>
inline void SumColumns(int64_t begin, int64_t rows, int64_t period, int64_t column, double* sums,
                       Term term) {
  Vector a[kVectors], b[kVectors];
  TERSOR_UNROLL
  for (int v = 0; v < kVectors; ++v) a[v] = b[v] = Vector::Zero();
  for (int64_t row = 0; row < rows; ++row) {
    TERSOR_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const int64_t j = column + v * kLanes;
      term(begin + row * period + j, j, a[v], b[v]);
    }
  }
  TERSOR_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    a[v].AddTo(sums + column + v * kLanes);
    b[v].AddTo(sums + period + column + v * kLanes);
  }
}

/// first[c], second[c] = the two sums of each channel. `sums`: 2 * period doubles of scratch.
/// scalar_term(i, c, a, b) adds the value at i of channel c to the doubles a and b.
template <typename Term, typename ScalarTerm>
inline void SumChannels(const Extents& e, int64_t period, double* sums, Term term,
                        ScalarTerm scalar_term) {
  constexpr int64_t kBlockBytes = 32 * 1024;
  const int64_t block =
      std::clamp<int64_t>(kBlockBytes / (period * static_cast<int64_t>(sizeof(float))), 16, 64);
  const int64_t count = e.cells * e.channels, rows = count / period;
  std::fill_n(sums, 2 * period, 0.0);
  for (int64_t row = 0; row < rows; row += block) {
    const int64_t size = std::min(block, rows - row), begin = row * period;
    int64_t column = 0;
    for (; column + 4 * kLanes <= period; column += 4 * kLanes) {
      SumColumns<4>(begin, size, period, column, sums, term);
    }
    for (; column < period; column += kLanes) {
      SumColumns<1>(begin, size, period, column, sums, term);
    }
  }
  for (int64_t i = rows * period, j = 0; i < count; ++i, ++j) {
    scalar_term(i, j % e.channels, sums[j], sums[period + j]);
  }
  for (int64_t j = e.channels; j < period; ++j) {
    sums[j % e.channels] += sums[j];
    sums[period + j % e.channels] += sums[period + j];
  }
}

class MomentsKernel : public Kernel {
 public:
  MomentsKernel(const Extents& e, int) : e_(e), period_(PeriodOf(e.channels)) {}
  size_t scratch_bytes() const override {
    return static_cast<size_t>(2 * period_) * sizeof(double);
  }

  void Run(const KernelCall& call) const override {
    const auto* input = call.operands[0].as<float>();
    auto* result = call.results[0].as<float>();
    auto* sums = static_cast<double*>(call.scratch);
    SumChannels(
        e_, period_, sums,
        [&](int64_t i, int64_t, Vector& sum, Vector& squares) {
          const Vector x = Vector::Load(input + i);
          sum = sum + x;
          squares = Vector::MultiplyAdd(x, x, squares);
        },
        [&](int64_t i, int64_t, double& sum, double& squares) {
          const double x = input[i];
          sum += x;
          squares += x * x;
        });
    for (int64_t c = 0; c < e_.channels; ++c) {
      result[c] = static_cast<float>(sums[c]);
      result[e_.channels + c] = static_cast<float>(sums[period_ + c]);
      result[2 * e_.channels + c] = static_cast<float>(e_.cells);
    }
  }

 private:
  Extents e_;
  int64_t period_;
};

class GradSumsKernel : public Kernel {
 public:
  GradSumsKernel(const Extents& e, int) : e_(e), period_(PeriodOf(e.channels)) {}
  size_t scratch_bytes() const override {
    return static_cast<size_t>(2 * period_) * sizeof(double) +
           static_cast<size_t>(period_) * sizeof(float);
  }

  void Run(const KernelCall& call) const override {
    const auto* gradient = call.operands[0].as<float>();
    const auto* input = call.operands[1].as<float>();
    const auto* mean = call.operands[2].as<float>();
    const auto* variance = call.operands[3].as<float>();
    auto* result = call.results[0].as<float>();
    auto* sums = static_cast<double*>(call.scratch);
    auto* means = reinterpret_cast<float*>(sums + 2 * period_);
    FillPeriod(means, period_, e_.channels, [&](int64_t c) { return mean[c]; });
    SumChannels(
        e_, period_, sums,
        [&](int64_t i, int64_t j, Vector& sum, Vector& products) {
          const Vector g = Vector::Load(gradient + i);
          sum = sum + g;
          products =
              Vector::MultiplyAdd(g, Vector::Load(input + i) - Vector::Load(means + j), products);
        },
        [&](int64_t i, int64_t c, double& sum, double& products) {
          sum += gradient[i];
          products += gradient[i] * (double{input[i]} - mean[c]);
        });
    for (int64_t c = 0; c < e_.channels; ++c) {
      result[c] = static_cast<float>(sums[c]);
      result[e_.channels + c] =
          static_cast<float>(sums[period_ + c] * InverseDeviation(variance[c], e_.epsilon));
    }
  }

 private:
  Extents e_;
  int64_t period_;
};

template <typename AnyKernel>
std::unique_ptr<Kernel> Make(const KernelSpec& spec) {
  Extents extents;
  if (!ReadExtents(spec, extents)) return nullptr;
  return std::make_unique<AnyKernel>(extents, spec.threads);
}

}  // namespace
}  // namespace tersor::kernels::batch_norm
