#include "tersor/kernels/matmul_f32/matmul_f32.h"

#include <algorithm>

#include "tersor/kernels/matmul_f32/loops.h"
#include "tersor/kernels/matmul_f32/stacks.h"

namespace tersor::kernels::matmul_f32 {
namespace {

class VectorKernel final : public Kernel {
 public:
  VectorKernel(const Loops& loops, const Extents& extents, int threads)
      : loops_(loops), e_(extents) {
    constexpr double kTaskMultiplyAdds = 200'000;  // some ten microseconds
    const double work = static_cast<double>(e_.rows) * static_cast<double>(e_.columns) *
                        static_cast<double>(e_.depth);
    tasks_ = static_cast<int>(std::clamp<double>(
        work / kTaskMultiplyAdds, 1,
        static_cast<double>(std::min<int64_t>(threads, loops.PanelCount(e_.columns)))));
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(tasks_ * loops_.ScratchFloats()) * sizeof(float);
  }

  void Run(const KernelCall& call) const override {
    const Stages none;
    Product product;
    product.a = Read(call.operands[0].as<float>(), e_.rows, e_.depth, e_.transpose_lhs);
    product.b = Read(call.operands[1].as<float>(), e_.depth, e_.columns, e_.transpose_rhs);
    product.c = call.results[0].as<float>();
    product.rows = e_.rows;
    product.columns = e_.columns;
    product.depth = e_.depth;
    product.stages = &none;
    RunProduct(loops_, product, tasks_, *call.pool, static_cast<float*>(call.scratch));
  }

 private:
  static Matrix Read(const float* data, int64_t rows, int64_t columns, bool transposed) {
    return transposed ? Matrix{data, 1, rows} : Matrix{data, columns, 1};
  }

  const Loops& loops_;
  Extents e_;
  int tasks_;
};

template <const Loops& kLoops>
std::unique_ptr<Kernel> MakeVector(const KernelSpec& spec) {
  Extents extents;
  if (!ReadExtents(spec, extents)) return nullptr;
  return std::make_unique<VectorKernel>(kLoops, extents, spec.threads);
}

template <KernelMaker kMake>
std::unique_ptr<Kernel> MakeOfAnyRank(const KernelSpec& spec) {
  return MakeForStacks(kMake, spec);
}

constexpr KernelRow kRows[] = {
#define LOOPS(name, level, loops) \
  {"matmul_f32", #name, CpuLevel::level, MakeOfAnyRank<MakeVector<loops>>},
#include "tersor/kernels/matmul_f32/kernels.inc"
#undef LOOPS
    {"matmul_f32", "reference", CpuLevel::kAny, MakeOfAnyRank<MakeReference>},
};

}  // namespace

std::span<const KernelRow> Rows() { return kRows; }

void RunProduct(const Loops& loops, const Product& product, int tasks, ThreadPool& pool,
                float* scratch) {
  const int64_t panels = loops.PanelCount(product.columns);
  pool.Run(tasks, [&](int task) {
    loops.multiply(product, panels * task / tasks, panels * (task + 1) / tasks,
                   scratch + task * loops.ScratchFloats());
  });
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

}  // namespace tersor::kernels::matmul_f32
