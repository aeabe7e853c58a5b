// The kernel of FullyConnected over gemm_x86.h, for the vector width of the file that includes it.
#pragma once

#include "tersor/kernels/fully_connected_f32/fully_connected_f32.h"
#include "tersor/kernels/matmul_f32/gemm_x86.h"

namespace tersor::kernels::fully_connected_f32 {
namespace {

class VectorKernel : public Kernel {
 public:
  VectorKernel(const Extents& extents, int threads) : e_(extents) {
    // A task is worth its hand-over from some ten microseconds on: so many multiply-adds, or so
    // many values of the filter to read.
    constexpr int64_t kTaskMultiplyAdds = 400'000, kTaskValues = 50'000;
    const int64_t values = e_.outputs * e_.inputs;
    const int64_t worth = std::max(values / kTaskValues, values * e_.examples / kTaskMultiplyAdds);
    tasks_ =
        static_cast<int>(std::clamp<int64_t>(std::min(worth, PanelCount(e_.outputs)), 1, threads));
  }

  /// Keeps a packed copy of a constant filter.
  bool Pack(const float* filter) {
    auto buffer =
        Buffer::Allocate(static_cast<size_t>(PackedFloats(e_.outputs, e_.inputs)) * sizeof(float));
    if (!buffer.ok()) return false;
    packed_ = std::move(buffer).value();
    PackAll({filter, 1, e_.inputs}, e_.outputs, e_.inputs, static_cast<float*>(packed_->data()));
    return true;
  }

  size_t packed_bytes() const override { return packed_ ? packed_->size_bytes() : 0; }
  size_t scratch_bytes() const override {
    return packed_ ? 0 : static_cast<size_t>(tasks_ * kGemmScratchFloats) * sizeof(float);
  }

  void Run(const KernelCall& call) const override {
    const Matrix input = {call.operands[0].as<float>(), e_.inputs, 1};
    GemmOutput output = {.data = call.results[0].as<float>(),
                         .row_stride = e_.outputs,
                         .bias = call.operands[2].as<float>()};
    SetActivation(e_.activation, output);
    const int64_t panels = PanelCount(e_.outputs);
    call.pool->Run(tasks_, [&](int task) {
      const int64_t begin = panels * task / tasks_, end = panels * (task + 1) / tasks_;
      if (packed_) {
        GemmPacked(input, e_.examples, e_.outputs, e_.inputs,
                   static_cast<const float*>(packed_->data()), begin, end, output);
      } else {
        const Matrix filter = {call.operands[1].as<float>(), 1, e_.inputs};
        Gemm(input, e_.examples, e_.outputs, e_.inputs, filter, begin, end, output,
             static_cast<float*>(call.scratch) + task * kGemmScratchFloats);
      }
    });
  }

 private:
  Extents e_;
  int tasks_;
  std::shared_ptr<Buffer> packed_;
};

std::unique_ptr<Kernel> Make(const KernelSpec& spec) {
  Extents extents;
  if (!ReadExtents(spec, extents)) return nullptr;
  auto kernel = std::make_unique<VectorKernel>(extents, spec.threads);
  const auto* filter = spec.operands[1].as<float>();
  if (filter != nullptr && !kernel->Pack(filter)) return nullptr;
  return kernel;
}

}  // namespace
}  // namespace tersor::kernels::fully_connected_f32
