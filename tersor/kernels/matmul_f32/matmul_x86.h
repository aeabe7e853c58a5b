// The kernel of MatMul over gemm_x86.h, for the vector width of the file that includes it.
#pragma once

#include "tersor/kernels/matmul_f32/gemm_x86.h"
#include "tersor/kernels/matmul_f32/matmul_f32.h"

namespace tersor::kernels::matmul_f32 {
namespace {

class VectorKernel : public Kernel {
 public:
  VectorKernel(const Extents& extents, int threads) : e_(extents) {
    constexpr double kTaskMultiplyAdds = 200'000;  // some ten microseconds
    const double work = static_cast<double>(e_.rows) * static_cast<double>(e_.columns) *
                        static_cast<double>(e_.depth);
    tasks_ = static_cast<int>(std::clamp<double>(
        work / kTaskMultiplyAdds, 1,
        static_cast<double>(std::min<int64_t>(threads, PanelCount(e_.columns)))));
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(tasks_ * kGemmScratchFloats) * sizeof(float);
  }

  void Run(const KernelCall& call) const override {
    const Matrix a = Read(call.operands[0].as<float>(), e_.rows, e_.depth, e_.transpose_lhs);
    const Matrix b = Read(call.operands[1].as<float>(), e_.depth, e_.columns, e_.transpose_rhs);
    const GemmOutput c = {.data = call.results[0].as<float>(), .row_stride = e_.columns};
    const int64_t panels = PanelCount(e_.columns);
    call.pool->Run(tasks_, [&](int task) {
      Gemm(a, e_.rows, e_.columns, e_.depth, b, panels * task / tasks_,
           panels * (task + 1) / tasks_, c,
           static_cast<float*>(call.scratch) + task * kGemmScratchFloats);
    });
  }

 private:
  static Matrix Read(const float* data, int64_t rows, int64_t columns, bool transposed) {
    return transposed ? Matrix{data, 1, rows} : Matrix{data, columns, 1};
  }

  Extents e_;
  int tasks_;
};

std::unique_ptr<Kernel> Make(const KernelSpec& spec) {
  Extents extents;
  if (!ReadExtents(spec, extents)) return nullptr;
  return std::make_unique<VectorKernel>(extents, spec.threads);
}

}  // namespace
}  // namespace tersor::kernels::matmul_f32
