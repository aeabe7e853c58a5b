#include "tersor/kernels/batch_norm/batch_norm.h"

#include <algorithm>
#include <numeric>

#include "tersor/kernels/batch_norm/loops.h"
#include "tersor/kernels/batch_norm/makers.h"

namespace tersor::kernels::batch_norm {
namespace {

/// What the kernels around loops share: the shortest period of at least 128 floats (so that loops
/// over it are worth their start), and tables of a period.
class PeriodicKernel : public Kernel {
 public:
  PeriodicKernel(const Loops& loops, const Extents& e) : loops_(loops), e_(e) {
    const int64_t shortest = std::lcm(e.channels, int64_t{loops.lanes});
    period_ = (127 + shortest) / shortest * shortest;
  }

 protected:
  /// table[i] = of(i % channels), for a period.
  template <typename Function>
  void Fill(float* table, const Function& of) const {
    for (int64_t c = 0; c < e_.channels; ++c) table[c] = static_cast<float>(of(c));
    for (int64_t i = e_.channels; i < period_; ++i) table[i] = table[i - e_.channels];
  }

  const Loops& loops_;
  Extents e_;
  int64_t period_;
};

class NormKernel final : public PeriodicKernel {
 public:
  NormKernel(const Loops& loops, const Extents& e, int threads) : PeriodicKernel(loops, e) {
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
    Fill(means, [&](int64_t c) { return mean[c]; });
    Fill(factors, [&](int64_t c) { return scale[c] * InverseDeviation(variance[c], e_.epsilon); });
    Fill(offsets, [&](int64_t c) { return offset[c]; });
    const int64_t count = e_.cells * e_.channels, periods = (count + period_ - 1) / period_;
    call.pool->Run(tasks_, [&](int task) {
      const int64_t begin = periods * task / tasks_ * period_;
      const int64_t end = std::min(count, periods * (task + 1) / tasks_ * period_);
      const Affine affine = {end - begin, period_, means, factors, nullptr, offsets};
      loops_.normalize(affine, input + begin, output + begin);
    });
  }

 private:
  int tasks_;
};

class GradKernel final : public PeriodicKernel {
 public:
  GradKernel(const Loops& loops, const Extents& e, int) : PeriodicKernel(loops, e) {}
  size_t scratch_bytes() const override { return static_cast<size_t>(4 * period_) * sizeof(float); }

  void Run(const KernelCall& call) const override {
    const auto* gradient = call.operands[0].as<float>();
    const auto* input = call.operands[1].as<float>();
    const auto* scale = call.operands[2].as<float>();
    const auto* mean = call.operands[3].as<float>();
    const auto* variance = call.operands[4].as<float>();
    const auto* sums = call.operands[5].as<float>();
    const double count = call.operands[6].as<float>()[0];
    auto* means = static_cast<float*>(call.scratch);
    float *factors = means + period_, *slopes = factors + period_, *offsets = slopes + period_;
    const auto factor = [&](int64_t c) {
      return scale[c] * InverseDeviation(variance[c], e_.epsilon);
    };
    Fill(means, [&](int64_t c) { return mean[c]; });
    Fill(factors, factor);
    Fill(slopes, [&](int64_t c) {
      return -factor(c) * InverseDeviation(variance[c], e_.epsilon) * sums[e_.channels + c] / count;
    });
    Fill(offsets, [&](int64_t c) { return -factor(c) * sums[c] / count; });
    loops_.gradient({e_.cells * e_.channels, period_, means, factors, slopes, offsets}, gradient,
                    input, call.results[0].as<float>());
  }
};

/// Two sums over the cells of each channel.
class SumsKernel : public PeriodicKernel {
 protected:
  using PeriodicKernel::PeriodicKernel;

  /// first[c], second[c] = the two sums. `sums`: 2 * period doubles of scratch. add(i, rows) adds
  /// `rows` periods from i on; add_one(i, c, a, b) the value at i of channel c to a and b.
  template <typename Add, typename AddOne>
  void SumChannels(double* sums, const Add& add, const AddOne& add_one) const {
    constexpr int64_t kBlockBytes = 32 * 1024;
    const int64_t block =
        std::clamp<int64_t>(kBlockBytes / (period_ * static_cast<int64_t>(sizeof(float))), 16, 64);
    const int64_t count = e_.cells * e_.channels, rows = count / period_;
    std::fill_n(sums, 2 * period_, 0.0);
    for (int64_t row = 0; row < rows; row += block) {
      add(row * period_, std::min(block, rows - row));
    }
    for (int64_t i = rows * period_, j = 0; i < count; ++i, ++j) {
      add_one(i, j % e_.channels, sums[j], sums[period_ + j]);
    }
    for (int64_t j = e_.channels; j < period_; ++j) {
      sums[j % e_.channels] += sums[j];
      sums[period_ + j % e_.channels] += sums[period_ + j];
    }
  }
};

class MomentsKernel final : public SumsKernel {
 public:
  MomentsKernel(const Loops& loops, const Extents& e, int) : SumsKernel(loops, e) {}
  size_t scratch_bytes() const override {
    return static_cast<size_t>(2 * period_) * sizeof(double);
  }

  void Run(const KernelCall& call) const override {
    const auto* input = call.operands[0].as<float>();
    auto* result = call.results[0].as<float>();
    auto* sums = static_cast<double*>(call.scratch);
    SumChannels(
        sums, [&](int64_t i, int64_t rows) { loops_.add_moments(input + i, rows, period_, sums); },
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
};

class GradSumsKernel final : public SumsKernel {
 public:
  GradSumsKernel(const Loops& loops, const Extents& e, int) : SumsKernel(loops, e) {}
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
    Fill(means, [&](int64_t c) { return mean[c]; });
    SumChannels(
        sums,
        [&](int64_t i, int64_t rows) {
          loops_.add_gradients(gradient + i, input + i, means, rows, period_, sums);
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
};

template <typename AnyKernel, const Loops& kLoops>
std::unique_ptr<Kernel> Make(const KernelSpec& spec) {
  Extents extents;
  if (!ReadExtents(spec, extents)) return nullptr;
  return std::make_unique<AnyKernel>(kLoops, extents, spec.threads);
}

template <void (*kRun)(const Extents& extents, const KernelCall& call)>
class Reference final : public Kernel {
 public:
  explicit Reference(const Extents& e) : e_(e) {}
  void Run(const KernelCall& call) const override { kRun(e_, call); }

 private:
  Extents e_;
};

template <typename AnyKernel>
std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec) {
  Extents extents;
  if (!ReadExtents(spec, extents)) return nullptr;
  return std::make_unique<AnyKernel>(extents);
}

template <typename AnyKernel, auto kReference>
constexpr KernelRow kRows[] = {
#define LOOPS(name, level, loops) {"batch_norm", #name, CpuLevel::level, Make<AnyKernel, loops>},
#include "tersor/kernels/batch_norm/kernels.inc"
#undef LOOPS
    {"batch_norm", "reference", CpuLevel::kAny, MakeReference<Reference<kReference>>},
};

constexpr KernelRow kStatisticsRows[] = {
    {"batch_norm", "reference", CpuLevel::kAny, MakeReference<Reference<StatisticsReference>>},
};

}  // namespace

std::span<const KernelRow> BatchNormRows() { return kRows<NormKernel, NormReference>; }
std::span<const KernelRow> BatchNormMomentsRows() { return kRows<MomentsKernel, MomentsReference>; }
std::span<const KernelRow> BatchNormStatisticsRows() { return kStatisticsRows; }
std::span<const KernelRow> BatchNormGradSumsRows() {
  return kRows<GradSumsKernel, GradSumsReference>;
}
std::span<const KernelRow> BatchNormGradRows() { return kRows<GradKernel, GradReference>; }

bool ReadExtents(const KernelSpec& spec, Extents& extents) {
  if (!spec.epilogue.empty()) return false;
  for (const ConstTensorView& operand : spec.operands) {
    if (operand.type == nullptr || operand.dtype() != DType::kF32) return false;
  }
  for (const TensorType& result : spec.results) {
    if (result.dtype != DType::kF32) return false;
  }
  const Shape& shape = spec.operands[0].shape();
  if (shape.rank() < 1 || shape[shape.rank() - 1] < 1) return false;
  extents.channels = shape[shape.rank() - 1];
  extents.cells = shape.num_elements() / extents.channels;
  extents.epsilon = spec.attributes->Float(Attr::epsilon);
  return true;
}

}  // namespace tersor::kernels::batch_norm
