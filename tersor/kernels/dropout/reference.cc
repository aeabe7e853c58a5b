#include <cmath>

#include "tersor/base/random.h"
#include "tersor/kernels/dropout/dropout.h"

namespace tersor::kernels::dropout {

#define KERNEL(name, level, maker) std::unique_ptr<Kernel> maker(const KernelSpec& spec);
#include "tersor/kernels/dropout/kernels.inc"
#undef KERNEL

std::span<const KernelRow> Rows() {
  static constexpr KernelRow kRows[] = {
#define KERNEL(name, level, maker) {"dropout", #name, CpuLevel::level, maker},
#include "tersor/kernels/dropout/kernels.inc"
#undef KERNEL
  };
  return kRows;
}

bool ReadCase(const KernelSpec& spec, DropoutCase& dropout_case) {
  const TensorType &input = *spec.operands[0].type, &counter = *spec.operands[1].type;
  if (!spec.epilogue.empty() || input.dtype != DType::kF32) return false;
  if (spec.results[0].dtype != DType::kF32 || input.shape != spec.results[0].shape) return false;
  if (counter.dtype != DType::kI64 || counter.shape.num_elements() != 1) return false;
  const double rate = spec.attributes->Float(Attr::rate);
  if (!(rate >= 0 && rate <= 1)) return false;
  const int64_t count = input.shape.num_elements();
  const int64_t examples = input.shape.rank() > 0 ? input.shape[0] : 1;
  dropout_case = {.count = count,
                  .elements_per_example = examples > 0 ? count / examples : 0,
                  .seed = static_cast<uint64_t>(spec.attributes->Int(Attr::seed)),
                  .threshold = static_cast<uint64_t>(std::llround(std::ldexp(rate, 32))),
                  .scale = rate < 1 ? static_cast<float>(1 / (1 - rate)) : 0};
  return true;
}

namespace {

class ReferenceKernel : public Kernel {
 public:
  explicit ReferenceKernel(const DropoutCase& d) : d_(d) {}

  void Run(const KernelCall& call) const override {
    const auto* input = call.operands[0].as<float>();
    const uint64_t stream = kStreamBase + static_cast<uint64_t>(call.operands[1].as<int64_t>()[0]);
    auto* output = call.results[0].as<float>();
    const auto first = static_cast<uint64_t>(call.first_example * d_.elements_per_example);
    for (int64_t i = 0; i < d_.count; ++i) {
      const uint64_t e = first + static_cast<uint64_t>(i);
      const bool kept = Philox(d_.seed, stream, e / 4)[e % 4] >= d_.threshold;
      output[i] = kept ? input[i] * d_.scale : 0;
    }
  }

 private:
  DropoutCase d_;
};

}  // namespace

std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec) {
  DropoutCase dropout_case;
  if (!ReadCase(spec, dropout_case)) return nullptr;
  return std::make_unique<ReferenceKernel>(dropout_case);
}

}  // namespace tersor::kernels::dropout
