#include <cmath>

#include "tersor/kernels/collective.h"
#include "tersor/kernels/kernel_rows.h"
#include "tersor/kernels/updates/update_kernel.h"

namespace tersor::kernels::updates {

#define KERNEL(op, name, level, maker) std::unique_ptr<Kernel> maker(const KernelSpec& spec);
#include "tersor/kernels/updates/kernels.inc"
#undef KERNEL

namespace {

constexpr KernelRow kRows[] = {
#define KERNEL(op, name, level, maker) {"updates/" #op, #name, CpuLevel::level, maker},
#include "tersor/kernels/updates/kernels.inc"
#undef KERNEL
};

struct ScalarMemory {
  static constexpr int kLanes = 1;
  static float Load(const float* p) { return *p; }
  static void Store(float* p, float x) { *p = x; }
  static float Fill(float x) { return x; }
  static float SquareRoot(float x) { return std::sqrt(x); }
};

template <typename Formula>
std::unique_ptr<Kernel> Make(const KernelSpec& spec) {
  if (!Accepts(spec)) return nullptr;
  return std::make_unique<UpdateKernel<Formula, ScalarMemory>>(*spec.attributes);
}

}  // namespace

std::span<const KernelRow> SgdUpdateRows() { return RowsOf(kRows, "updates/SgdUpdate"); }
std::span<const KernelRow> AdamUpdateRows() { return RowsOf(kRows, "updates/AdamUpdate"); }
std::span<const KernelRow> MovingAverageUpdateRows() {
  return RowsOf(kRows, "updates/MovingAverageUpdate");
}

bool Accepts(const KernelSpec& spec) {
  if (!spec.epilogue.empty()) return false;
  for (const ConstTensorView& operand : spec.operands) {
    if (operand.type != nullptr && operand.dtype() != DType::kF32) return false;
  }
  return true;
}

Slice SliceOf(const KernelCall& call) {
  const int64_t count = call.operands[0].shape().num_elements();
  if (call.shards == nullptr) return {0, count};
  const int64_t shards = call.shards->size();
  return {count * call.shard / shards, count * (call.shard + 1) / shards};
}

SgdOptions::SgdOptions(const Attributes& attributes)
    : momentum(attributes.Float(Attr::momentum)),
      weight_decay(attributes.Float(Attr::weight_decay)),
      nesterov(attributes.Bool(Attr::nesterov)) {}

SgdConstants SgdOptions::Constants(const KernelCall& call) const {
  return {call.operands[3].as<float>()[0], static_cast<float>(momentum),
          static_cast<float>(weight_decay)};
}

AdamOptions::AdamOptions(const Attributes& attributes)
    : beta1(attributes.Float(Attr::beta1)),
      beta2(attributes.Float(Attr::beta2)),
      epsilon(attributes.Float(Attr::epsilon)),
      weight_decay(attributes.Float(Attr::weight_decay)),
      decoupled(attributes.Bool(Attr::decoupled)) {}

AdamConstants AdamOptions::Constants(const KernelCall& call) const {
  const double step = call.operands[5].as<float>()[0];
  return {.learning_rate = call.operands[4].as<float>()[0],
          .beta1 = static_cast<float>(beta1),
          .one_minus_beta1 = static_cast<float>(1 - beta1),
          .beta2 = static_cast<float>(beta2),
          .one_minus_beta2 = static_cast<float>(1 - beta2),
          .correction1 = static_cast<float>(1 / (1 - std::pow(beta1, step))),
          .correction2 = static_cast<float>(1 / (1 - std::pow(beta2, step))),
          .epsilon = static_cast<float>(epsilon),
          .weight_decay = static_cast<float>(weight_decay)};
}

MovingAverageOptions::MovingAverageOptions(const Attributes& attributes)
    : decay(attributes.Float(Attr::decay)) {}

MovingAverageConstants MovingAverageOptions::Constants(const KernelCall&) const {
  return {static_cast<float>(decay), static_cast<float>(1 - decay)};
}

std::unique_ptr<Kernel> MakeSgdUpdateReference(const KernelSpec& spec) {
  return Make<SgdFormula>(spec);
}
std::unique_ptr<Kernel> MakeAdamUpdateReference(const KernelSpec& spec) {
  return Make<AdamFormula>(spec);
}
std::unique_ptr<Kernel> MakeMovingAverageUpdateReference(const KernelSpec& spec) {
  return Make<MovingAverageFormula>(spec);
}

}  // namespace tersor::kernels::updates
