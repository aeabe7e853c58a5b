#include "tersor/kernels/matmul_f32/matmul_f32.h"

namespace tersor::kernels::matmul_f32 {

#define KERNEL(name, level, maker) std::unique_ptr<Kernel> maker(const KernelSpec& spec);
#include "tersor/kernels/matmul_f32/kernels.inc"
#undef KERNEL

std::span<const KernelRow> Rows() {
  static constexpr KernelRow kRows[] = {
#define KERNEL(name, level, maker) {"matmul_f32", #name, CpuLevel::level, maker},
#include "tersor/kernels/matmul_f32/kernels.inc"
#undef KERNEL
  };
  return kRows;
}

bool ReadExtents(const KernelSpec& spec, Extents& extents) {
  if (!spec.epilogue.empty() || spec.operands.size() != 2) return false;
  for (const ConstTensorView& operand : spec.operands) {
    if (operand.type == nullptr || operand.dtype() != DType::kF32) return false;
    if (operand.shape().rank() != 2) return false;
  }
  if (spec.results[0].dtype != DType::kF32) return false;
  const Shape &lhs = spec.operands[0].shape(), &rhs = spec.operands[1].shape();
  extents.transpose_lhs = spec.attributes->Bool(Attr::transpose_lhs);
  extents.transpose_rhs = spec.attributes->Bool(Attr::transpose_rhs);
  extents.rows = lhs[extents.transpose_lhs ? 1 : 0];
  extents.depth = lhs[extents.transpose_lhs ? 0 : 1];
  extents.columns = rhs[extents.transpose_rhs ? 0 : 1];
  return rhs[extents.transpose_rhs ? 1 : 0] == extents.depth;
}

namespace {

class ReferenceKernel : public Kernel {
 public:
  explicit ReferenceKernel(const Extents& extents) : e_(extents) {}

  void Run(const KernelCall& call) const override {
    const auto* lhs = call.operands[0].as<float>();
    const auto* rhs = call.operands[1].as<float>();
    auto* product = call.results[0].as<float>();
    for (int64_t m = 0; m < e_.rows; ++m) {
      for (int64_t n = 0; n < e_.columns; ++n) {
        double sum = 0;
        for (int64_t k = 0; k < e_.depth; ++k) {
          const double left = lhs[e_.transpose_lhs ? k * e_.rows + m : m * e_.depth + k];
          const double right = rhs[e_.transpose_rhs ? n * e_.depth + k : k * e_.columns + n];
          sum += left * right;
        }
        product[m * e_.columns + n] = static_cast<float>(sum);
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

}  // namespace tersor::kernels::matmul_f32
