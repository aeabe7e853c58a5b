#include "tersor/kernels/activations_grad/activations_grad.h"

#include "tersor/kernels/activations_grad/loops.h"

namespace tersor::kernels::activations_grad {
namespace {

class LoopKernel final : public Kernel {
 public:
  LoopKernel(Loop loop, int64_t count) : loop_(loop), count_(count) {}

  void Run(const KernelCall& call) const override {
    loop_(call.operands[0].as<float>(), call.operands[1].as<float>(), call.results[0].as<float>(),
          count_);
  }

 private:
  Loop loop_;
  int64_t count_;
};

/// True for f32 operands and result of one shape, without an epilogue.
bool Accepts(const KernelSpec& spec) {
  if (!spec.epilogue.empty() || spec.operands.size() != 2) return false;
  const TensorType& result = spec.results[0];
  if (result.dtype != DType::kF32) return false;
  for (const ConstTensorView& operand : spec.operands) {
    if (operand.dtype() != DType::kF32 || operand.shape() != result.shape) return false;
  }
  return true;
}

template <Loop Loops::*kLoop, const Loops& kLoops>
std::unique_ptr<Kernel> Make(const KernelSpec& spec) {
  if (!Accepts(spec)) return nullptr;
  return std::make_unique<LoopKernel>(kLoops.*kLoop, spec.results[0].shape.num_elements());
}

template <Loop Loops::*kLoop>
constexpr KernelRow kRows[] = {
#define LOOPS(name, level, loops) {"activations_grad", #name, CpuLevel::level, Make<kLoop, loops>},
#include "tersor/kernels/activations_grad/kernels.inc"
#undef LOOPS
};

}  // namespace

std::span<const KernelRow> ReluGradRows() { return kRows<&Loops::relu>; }
std::span<const KernelRow> Relu6GradRows() { return kRows<&Loops::relu6>; }
std::span<const KernelRow> SigmoidGradRows() { return kRows<&Loops::sigmoid>; }
std::span<const KernelRow> TanhGradRows() { return kRows<&Loops::tanh>; }

}  // namespace tersor::kernels::activations_grad
