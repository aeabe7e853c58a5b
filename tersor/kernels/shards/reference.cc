#include <cstring>

#include "tersor/kernels/collective.h"
#include "tersor/kernels/kernel_rows.h"
#include "tersor/kernels/shards/shards.h"

namespace tersor::kernels::shards {

#define KERNEL(op, name, level, maker) std::unique_ptr<Kernel> maker(const KernelSpec& spec);
#include "tersor/kernels/shards/kernels.inc"
#undef KERNEL

namespace {

constexpr KernelRow kRows[] = {
#define KERNEL(op, name, level, maker) {"shards/" #op, #name, CpuLevel::level, maker},
#include "tersor/kernels/shards/kernels.inc"
#undef KERNEL
};

class AllReduceSum : public Kernel {
 public:
  explicit AllReduceSum(int64_t count) : count_(count) {}

  void Run(const KernelCall& call) const override {
    const auto* input = call.operands[0].as<float>();
    auto* sum = call.results[0].as<float>();
    if (call.shards != nullptr) {
      call.shards->Sum(call.shard, input, sum, count_);
    } else {
      std::memcpy(sum, input, static_cast<size_t>(count_) * sizeof(float));
    }
  }

 private:
  int64_t count_;
};

}  // namespace

std::span<const KernelRow> AllReduceSumRows() { return RowsOf(kRows, "shards/AllReduceSum"); }

std::unique_ptr<Kernel> MakeAllReduceSumReference(const KernelSpec& spec) {
  const TensorType& result = spec.results[0];
  if (!spec.epilogue.empty() || result.dtype != DType::kF32) return nullptr;
  if (spec.operands[0].dtype() != DType::kF32 || spec.operands[0].shape() != result.shape) {
    return nullptr;
  }
  return std::make_unique<AllReduceSum>(result.shape.num_elements());
}

}  // namespace tersor::kernels::shards
