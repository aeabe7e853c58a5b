#include "tersor/kernels/matmul_f32/matmul_f32.h"

namespace tersor::kernels::matmul_f32 {
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
