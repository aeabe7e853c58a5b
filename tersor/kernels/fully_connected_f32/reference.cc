#include <algorithm>

#include "tersor/kernels/fully_connected_f32/fully_connected_f32.h"

namespace tersor::kernels::fully_connected_f32 {

#define KERNEL(name, level, maker) std::unique_ptr<Kernel> maker(const KernelSpec& spec);
#include "tersor/kernels/fully_connected_f32/kernels.inc"
#undef KERNEL

std::span<const KernelRow> Rows() {
  static constexpr KernelRow kRows[] = {
#define KERNEL(name, level, maker) {"fully_connected_f32", #name, CpuLevel::level, maker},
#include "tersor/kernels/fully_connected_f32/kernels.inc"
#undef KERNEL
  };
  return kRows;
}

bool ReadExtents(const KernelSpec& spec, Extents& extents) {
  if (!spec.epilogue.empty() || spec.operands.size() != 3) return false;
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

namespace {

class ReferenceKernel : public Kernel {
 public:
  explicit ReferenceKernel(const Extents& extents) : e_(extents) {}

  void Run(const KernelCall& call) const override {
    const auto* input = call.operands[0].as<float>();
    const auto* filter = call.operands[1].as<float>();
    const auto* bias = call.operands[2].as<float>();
    auto* output = call.results[0].as<float>();
    for (int64_t n = 0; n < e_.examples; ++n) {
      for (int64_t o = 0; o < e_.outputs; ++o) {
        double sum = bias ? bias[o] : 0;
        for (int64_t i = 0; i < e_.inputs; ++i) {
          sum += double{input[n * e_.inputs + i]} * filter[o * e_.inputs + i];
        }
        if (e_.activation != Activation::kNone) sum = std::max(sum, 0.0);
        if (e_.activation == Activation::kRelu6) sum = std::min(sum, 6.0);
        output[n * e_.outputs + o] = static_cast<float>(sum);
      }
    }
  }

 private:
  Extents e_;
};

}  // namespace

std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec) {
  Extents extents;
  if (!ReadExtents(spec, extents)) return nullptr;
  return std::make_unique<ReferenceKernel>(extents);
}

}  // namespace tersor::kernels::fully_connected_f32
