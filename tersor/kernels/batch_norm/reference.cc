#include <algorithm>

#include "tersor/kernels/batch_norm/makers.h"

namespace tersor::kernels::batch_norm {
namespace {

void BatchNormRun(const Extents& e, const KernelCall& call) {
  const auto* input = call.operands[0].as<float>();
  const auto* scale = call.operands[1].as<float>();
  const auto* offset = call.operands[2].as<float>();
  const auto* mean = call.operands[3].as<float>();
  const auto* variance = call.operands[4].as<float>();
  auto* output = call.results[0].as<float>();
  for (int64_t i = 0; i < e.cells * e.channels; ++i) {
    const int64_t c = i % e.channels;
    const double normalized =
        (double{input[i]} - mean[c]) * InverseDeviation(variance[c], e.epsilon);
    output[i] = static_cast<float>(normalized * scale[c] + offset[c]);
  }
}

void MomentsRun(const Extents& e, const KernelCall& call) {
  const auto* input = call.operands[0].as<float>();
  auto* sums = call.results[0].as<float>();
  for (int64_t c = 0; c < e.channels; ++c) {
    double sum = 0, squares = 0;
    for (int64_t p = 0; p < e.cells; ++p) {
      const double x = input[p * e.channels + c];
      sum += x;
      squares += x * x;
    }
    sums[c] = static_cast<float>(sum);
    sums[e.channels + c] = static_cast<float>(squares);
    sums[2 * e.channels + c] = static_cast<float>(e.cells);
  }
}

void StatisticsRun(const Extents& e, const KernelCall& call) {
  const auto* sums = call.operands[0].as<float>();
  auto* mean = call.results[0].as<float>();
  auto* variance = call.results[1].as<float>();
  for (int64_t c = 0; c < e.channels; ++c) {
    const double count = sums[2 * e.channels + c];
    const double m = sums[c] / count;
    mean[c] = static_cast<float>(m);
    variance[c] = static_cast<float>(std::max(0.0, sums[e.channels + c] / count - m * m));
  }
  call.results[2].as<float>()[0] = sums[2 * e.channels];
}

void GradSumsRun(const Extents& e, const KernelCall& call) {
  const auto* gradient = call.operands[0].as<float>();
  const auto* input = call.operands[1].as<float>();
  const auto* mean = call.operands[2].as<float>();
  const auto* variance = call.operands[3].as<float>();
  auto* sums = call.results[0].as<float>();
  for (int64_t c = 0; c < e.channels; ++c) {
    double sum = 0, products = 0;
    for (int64_t p = 0; p < e.cells; ++p) {
      const int64_t i = p * e.channels + c;
      sum += gradient[i];
      products += gradient[i] * (double{input[i]} - mean[c]);
    }
    sums[c] = static_cast<float>(sum);
    sums[e.channels + c] = static_cast<float>(products * InverseDeviation(variance[c], e.epsilon));
  }
}

void GradRun(const Extents& e, const KernelCall& call) {
  const auto* gradient = call.operands[0].as<float>();
  const auto* input = call.operands[1].as<float>();
  const auto* scale = call.operands[2].as<float>();
  const auto* mean = call.operands[3].as<float>();
  const auto* variance = call.operands[4].as<float>();
  const auto* sums = call.operands[5].as<float>();
  const double count = call.operands[6].as<float>()[0];
  auto* input_gradient = call.results[0].as<float>();
  for (int64_t i = 0; i < e.cells * e.channels; ++i) {
    const int64_t c = i % e.channels;
    const double r = InverseDeviation(variance[c], e.epsilon);
    const double normalized = (double{input[i]} - mean[c]) * r;
    input_gradient[i] = static_cast<float>(
        scale[c] * r * (gradient[i] - sums[c] / count - normalized * sums[e.channels + c] / count));
  }
}

class ReferenceKernel : public Kernel {
 public:
  using Function = void (*)(const Extents&, const KernelCall&);
  ReferenceKernel(const Extents& extents, Function run) : extents_(extents), run_(run) {}
  void Run(const KernelCall& call) const override { run_(extents_, call); }

 private:
  Extents extents_;
  Function run_;
};

std::unique_ptr<Kernel> Make(const KernelSpec& spec, ReferenceKernel::Function run) {
  Extents extents;
  if (!ReadExtents(spec, extents)) return nullptr;
  return std::make_unique<ReferenceKernel>(extents, run);
}

}  // namespace

std::unique_ptr<Kernel> MakeBatchNormReference(const KernelSpec& spec) {
  return Make(spec, BatchNormRun);
}
std::unique_ptr<Kernel> MakeBatchNormMomentsReference(const KernelSpec& spec) {
  return Make(spec, MomentsRun);
}
std::unique_ptr<Kernel> MakeBatchNormStatisticsReference(const KernelSpec& spec) {
  return Make(spec, StatisticsRun);
}
std::unique_ptr<Kernel> MakeBatchNormGradSumsReference(const KernelSpec& spec) {
  return Make(spec, GradSumsRun);
}
std::unique_ptr<Kernel> MakeBatchNormGradReference(const KernelSpec& spec) {
  return Make(spec, GradRun);
}

}  // namespace tersor::kernels::batch_norm
