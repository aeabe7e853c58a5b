#include "tersor/kernels/fully_connected_f32/fully_connected_f32.h"

#include <algorithm>

#include "tersor/kernels/matmul_f32/matmul_f32.h"
#include "tersor/kernels/simd/stages.h"

namespace tersor::kernels::fully_connected_f32 {
namespace {

using matmul_f32::Loops;

/// Scratch: the bias where it is not constant, then a panel a task where the filter is not.
class VectorKernel final : public Kernel {
 public:
  VectorKernel(const Loops& loops, const Extents& extents, StagePlan stages, int threads)
      : loops_(loops), e_(extents), stages_(std::move(stages)) {
    // A task is worth its hand-over from some ten microseconds on: so many multiply-adds, or so
    // many values of the filter to read.
    constexpr int64_t kTaskMultiplyAdds = 400'000, kTaskValues = 50'000;
    const int64_t values = e_.outputs * e_.inputs;
    const int64_t worth = std::max(values / kTaskValues, values * e_.examples / kTaskMultiplyAdds);
    tasks_ = static_cast<int>(
        std::clamp<int64_t>(std::min(worth, loops_.PanelCount(e_.outputs)), 1, threads));
  }

  /// Keeps a packed copy of a constant filter.
  bool Pack(const float* filter) {
    const int64_t floats = loops_.PackedFloats(e_.outputs, e_.inputs);
    auto buffer = Buffer::Allocate(static_cast<size_t>(floats) * sizeof(float));
    if (!buffer.ok()) return false;
    packed_ = std::move(buffer).value();
    loops_.pack(Transposed(filter), e_.outputs, e_.inputs, static_cast<float*>(packed_->data()));
    return true;
  }

  size_t packed_bytes() const override {
    return (packed_ ? packed_->size_bytes() : 0) + stages_.packed_bytes();
  }
  size_t scratch_bytes() const override {
    const int64_t panels = packed_ ? 0 : tasks_ * loops_.ScratchFloats();
    return static_cast<size_t>(stages_.scratch_floats() + panels) * sizeof(float);
  }

  void Run(const KernelCall& call) const override {
    auto* scratch = static_cast<float*>(call.scratch);
    const Stages stages = stages_.Bind(call, scratch);
    scratch += stages_.scratch_floats();
    matmul_f32::Product product;
    product.a = {call.operands[0].as<float>(), e_.inputs, 1};
    if (packed_) {
      product.packed_b = static_cast<const float*>(packed_->data());
    } else {
      product.b = Transposed(call.operands[1].as<float>());
    }
    product.c = call.results[0].as<float>();
    product.rows = e_.examples;
    product.columns = e_.outputs;
    product.depth = e_.inputs;
    product.stages = &stages;
    matmul_f32::RunProduct(loops_, product, tasks_, *call.pool, scratch);
  }

 private:
  matmul_f32::Matrix Transposed(const float* filter) const { return {filter, 1, e_.inputs}; }

  const Loops& loops_;
  Extents e_;
  StagePlan stages_;
  int tasks_;
  std::shared_ptr<Buffer> packed_;
};

template <const Loops& kLoops>
std::unique_ptr<Kernel> MakeVector(const KernelSpec& spec) {
  Extents extents;
  if (!ReadExtents(spec, extents)) return nullptr;
  auto stages = StagePlan::Make(spec, kBias);
  if (!stages.has_value()) return nullptr;
  auto kernel = std::make_unique<VectorKernel>(kLoops, extents, std::move(*stages), spec.threads);
  const auto* filter = spec.operands[1].as<float>();
  if (filter != nullptr && !kernel->Pack(filter)) return nullptr;
  return kernel;
}

constexpr KernelRow kRows[] = {
#define LOOPS(name, level, loops) \
  {"fully_connected_f32", #name, CpuLevel::level, MakeVector<loops>},
#include "tersor/kernels/fully_connected_f32/kernels.inc"
#undef LOOPS
    {"fully_connected_f32", "reference", CpuLevel::kAny, MakeReference},
};

}  // namespace

std::span<const KernelRow> Rows() { return kRows; }

bool ReadExtents(const KernelSpec& spec, Extents& extents) {
  if (spec.operands.size() != 3) return false;
  const ConstTensorView &input = spec.operands[0], &filter = spec.operands[1],
                        &bias = spec.operands[2];
  if (input.dtype() != DType::kF32 || filter.dtype() != DType::kF32) return false;
  if (spec.results[0].dtype != DType::kF32) return false;
  if (input.shape().rank() != 2 || filter.shape().rank() != 2) return false;
  extents = {input.shape()[0], input.shape()[1], filter.shape()[0],
             spec.attributes->ActivationOf()};
  if (filter.shape()[1] != extents.inputs) return false;
  if (bias.type == nullptr) return true;
  return bias.dtype() == DType::kF32 && bias.shape() == Shape{extents.outputs};
}

}  // namespace tersor::kernels::fully_connected_f32
