#include "tersor/kernels/activations_grad/activations_grad.h"
#include "tersor/kernels/kernel_rows.h"

namespace tersor::kernels::activations_grad {

#define KERNEL(op, name, level, maker) std::unique_ptr<Kernel> maker(const KernelSpec& spec);
#include "tersor/kernels/activations_grad/kernels.inc"
#undef KERNEL

namespace {

constexpr KernelRow kRows[] = {
#define KERNEL(op, name, level, maker) {"activations_grad/" #op, #name, CpuLevel::level, maker},
#include "tersor/kernels/activations_grad/kernels.inc"
#undef KERNEL
};

float ReluGrad(float gradient, float output) { return output > 0 ? gradient : 0; }
float Relu6Grad(float gradient, float output) { return output > 0 && output < 6 ? gradient : 0; }
float SigmoidGrad(float gradient, float output) { return gradient * output * (1 - output); }
float TanhGrad(float gradient, float output) { return gradient * (1 - output * output); }

class ReferenceKernel : public Kernel {
 public:
  using Function = float (*)(float gradient, float output);
  ReferenceKernel(int64_t count, Function apply) : count_(count), apply_(apply) {}

  void Run(const KernelCall& call) const override {
    const auto* gradient = call.operands[0].as<float>();
    const auto* output = call.operands[1].as<float>();
    auto* result = call.results[0].as<float>();
    for (int64_t i = 0; i < count_; ++i) result[i] = apply_(gradient[i], output[i]);
  }

 private:
  int64_t count_;
  Function apply_;
};

std::unique_ptr<Kernel> Make(const KernelSpec& spec, ReferenceKernel::Function apply) {
  if (!Accepts(spec)) return nullptr;
  return std::make_unique<ReferenceKernel>(spec.results[0].shape.num_elements(), apply);
}

}  // namespace

std::span<const KernelRow> ReluGradRows() { return RowsOf(kRows, "activations_grad/ReluGrad"); }
std::span<const KernelRow> Relu6GradRows() { return RowsOf(kRows, "activations_grad/Relu6Grad"); }
std::span<const KernelRow> SigmoidGradRows() {
  return RowsOf(kRows, "activations_grad/SigmoidGrad");
}
std::span<const KernelRow> TanhGradRows() { return RowsOf(kRows, "activations_grad/TanhGrad"); }

bool Accepts(const KernelSpec& spec) {
  if (!spec.epilogue.empty() || spec.operands.size() != 2) return false;
  const TensorType& result = spec.results[0];
  if (result.dtype != DType::kF32) return false;
  for (const ConstTensorView& operand : spec.operands) {
    if (operand.dtype() != DType::kF32 || operand.shape() != result.shape) return false;
  }
  return true;
}

std::unique_ptr<Kernel> MakeReluGradReference(const KernelSpec& spec) {
  return Make(spec, ReluGrad);
}
std::unique_ptr<Kernel> MakeRelu6GradReference(const KernelSpec& spec) {
  return Make(spec, Relu6Grad);
}
std::unique_ptr<Kernel> MakeSigmoidGradReference(const KernelSpec& spec) {
  return Make(spec, SigmoidGrad);
}
std::unique_ptr<Kernel> MakeTanhGradReference(const KernelSpec& spec) {
  return Make(spec, TanhGrad);
}

}  // namespace tersor::kernels::activations_grad
