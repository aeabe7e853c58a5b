#include "tersor/kernels/pool_f32/pool_f32.h"

#include <algorithm>

#include "tersor/kernels/pool_f32/loops.h"
#include "tersor/kernels/pool_f32/makers.h"

namespace tersor::kernels::pool_f32 {
namespace {

template <bool kMax>
class ForwardKernel final : public Kernel {
 public:
  ForwardKernel(const Loops& loops, const PoolGeometry& g, Activation activation, int threads)
      : row_(kMax ? loops.max_row : loops.average_row), g_(g) {
    const ActivationBounds bounds = tersor::BoundsOf(activation);
    bounds_ = {bounds.low, bounds.high};
    constexpr int64_t kTaskValues = 50'000;  // some ten microseconds of reading
    const int64_t rows = g.batch * g.output_height;
    const int64_t values = g.batch * g.height * g.width * g.channels;
    tasks_ =
        static_cast<int>(std::clamp<int64_t>(std::min(values / kTaskValues, rows), 1, threads));
  }

  void Run(const KernelCall& call) const override {
    const auto* input = call.operands[0].as<float>();
    auto* output = call.results[0].as<float>();
    const int64_t rows = g_.batch * g_.output_height;
    call.pool->Run(tasks_, [&](int task) {
      for (int64_t row = rows * task / tasks_; row < rows * (task + 1) / tasks_; ++row) {
        const float* image = input + row / g_.output_height * g_.height * g_.width * g_.channels;
        row_(g_, image, row % g_.output_height, bounds_,
             output + row * g_.output_width * g_.channels);
      }
    });
  }

 private:
  decltype(Loops::max_row) row_;
  PoolGeometry g_;
  Bounds bounds_;
  int tasks_;
};

template <bool kMax>
class GradientKernel final : public Kernel {
 public:
  GradientKernel(const Loops& loops, const PoolGeometry& g) : loops_(loops), g_(g) {}

  void Run(const KernelCall& call) const override {
    const auto* gradient = call.operands[0].as<float>();
    auto* input_gradient = call.results[0].as<float>();
    const int64_t image = g_.height * g_.width * g_.channels;
    const int64_t windows = g_.output_height * g_.output_width * g_.channels;
    for (int64_t n = 0; n < g_.batch; ++n, gradient += windows, input_gradient += image) {
      if constexpr (kMax) {
        const auto* input = call.operands[1].as<float>();
        loops_.max_gradient(g_, gradient, input + n * image, input_gradient);
      } else {
        loops_.average_gradient(g_, gradient, input_gradient);
      }
    }
  }

 private:
  const Loops& loops_;
  PoolGeometry g_;
};

template <bool kMax, const Loops& kLoops>
std::unique_ptr<Kernel> MakeForward(const KernelSpec& spec) {
  PoolGeometry geometry;
  if (!ReadForward(spec, geometry)) return nullptr;
  return std::make_unique<ForwardKernel<kMax>>(kLoops, geometry, spec.attributes->ActivationOf(),
                                               spec.threads);
}

template <bool kMax, const Loops& kLoops>
std::unique_ptr<Kernel> MakeGradient(const KernelSpec& spec) {
  PoolGeometry geometry;
  if (!ReadGradient(spec, geometry)) return nullptr;
  return std::make_unique<GradientKernel<kMax>>(kLoops, geometry);
}

template <auto kRun>
class Reference final : public Kernel {
 public:
  Reference(const PoolGeometry& g, Activation activation) : g_(g), activation_(activation) {}
  void Run(const KernelCall& call) const override { kRun(g_, activation_, call); }

 private:
  PoolGeometry g_;
  Activation activation_;
};

template <auto kRun>
std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec) {
  PoolGeometry geometry;
  if (!ReadForward(spec, geometry)) return nullptr;
  return std::make_unique<Reference<kRun>>(geometry, spec.attributes->ActivationOf());
}

template <auto kRun>
std::unique_ptr<Kernel> MakeGradientReference(const KernelSpec& spec) {
  PoolGeometry geometry;
  if (!ReadGradient(spec, geometry)) return nullptr;
  return std::make_unique<Reference<kRun>>(geometry, Activation::kNone);
}

template <bool kMax>
constexpr KernelRow kForwardRows[] = {
#define LOOPS(name, level, loops) {"pool_f32", #name, CpuLevel::level, MakeForward<kMax, loops>},
#include "tersor/kernels/pool_f32/kernels.inc"
#undef LOOPS
    {"pool_f32", "reference", CpuLevel::kAny,
     MakeReference<kMax ? MaxPoolReference : AvgPoolReference>},
};

template <bool kMax>
constexpr KernelRow kGradientRows[] = {
#define LOOPS(name, level, loops) {"pool_f32", #name, CpuLevel::level, MakeGradient<kMax, loops>},
#include "tersor/kernels/pool_f32/kernels.inc"
#undef LOOPS
    {"pool_f32", "reference", CpuLevel::kAny,
     MakeGradientReference<kMax ? MaxPoolGradReference : AvgPoolGradReference>},
};

}  // namespace

std::span<const KernelRow> MaxPool2dRows() { return kForwardRows<true>; }
std::span<const KernelRow> AvgPool2dRows() { return kForwardRows<false>; }
std::span<const KernelRow> MaxPool2dGradRows() { return kGradientRows<true>; }
std::span<const KernelRow> AvgPool2dGradRows() { return kGradientRows<false>; }

bool ReadForward(const KernelSpec& spec, PoolGeometry& geometry) {
  const TensorType &input = *spec.operands[0].type, &output = spec.results[0];
  return spec.epilogue.empty() && input.dtype == DType::kF32 && output.dtype == DType::kF32 &&
         PoolGeometry::Read(input.shape, output.shape, *spec.attributes, geometry);
}

bool ReadGradient(const KernelSpec& spec, PoolGeometry& geometry) {
  const TensorType &gradient = *spec.operands[0].type, &input_gradient = spec.results[0];
  return spec.epilogue.empty() && gradient.dtype == DType::kF32 &&
         input_gradient.dtype == DType::kF32 &&
         PoolGeometry::Read(input_gradient.shape, gradient.shape, *spec.attributes, geometry);
}

}  // namespace tersor::kernels::pool_f32
