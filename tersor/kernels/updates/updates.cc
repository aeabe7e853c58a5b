#include "tersor/kernels/updates/updates.h"

#include <cmath>

#include "tersor/kernels/collective.h"
#include "tersor/kernels/updates/loops.h"

namespace tersor::kernels::updates {
namespace {

/// The elements that this call updates.
struct Slice {
  int64_t begin, end;

  explicit Slice(const KernelCall& call) : begin(0), end(call.operands[0].shape().num_elements()) {
    if (call.shards == nullptr) return;
    const int64_t count = end, shards = call.shards->size();
    begin = count * call.shard / shards;
    end = count * (call.shard + 1) / shards;
  }
  int64_t count() const { return end - begin; }
  /// The slice of an operand that the update changes, or that it reads; null where it is absent.
  float* Of(const KernelCall& call, size_t operand) const {
    auto* data = static_cast<float*>(const_cast<void*>(call.operands[operand].data));
    return data != nullptr ? data + begin : nullptr;
  }
};

float Scalar(const KernelCall& call, size_t operand) {
  return call.operands[operand].as<float>()[0];
}

class Sgd final : public Kernel {
 public:
  Sgd(const Loops& loops, const Attributes& attributes)
      : loops_(loops),
        momentum_(static_cast<float>(attributes.Float(Attr::momentum))),
        weight_decay_(static_cast<float>(attributes.Float(Attr::weight_decay))),
        nesterov_(attributes.Bool(Attr::nesterov)) {}

  void Run(const KernelCall& call) const override {
    const Slice slice(call);
    loops_.sgd({Scalar(call, 3), momentum_, weight_decay_, nesterov_}, slice.Of(call, 0),
               slice.Of(call, 1), slice.Of(call, 2), slice.count());
  }

 private:
  const Loops& loops_;
  float momentum_, weight_decay_;
  bool nesterov_;
};

class Adam final : public Kernel {
 public:
  Adam(const Loops& loops, const Attributes& attributes)
      : loops_(loops),
        beta1_(attributes.Float(Attr::beta1)),
        beta2_(attributes.Float(Attr::beta2)),
        epsilon_(attributes.Float(Attr::epsilon)),
        weight_decay_(attributes.Float(Attr::weight_decay)),
        decoupled_(attributes.Bool(Attr::decoupled)) {}

  void Run(const KernelCall& call) const override {
    const double step = Scalar(call, 5);
    const AdamConstants constants = {
        .learning_rate = Scalar(call, 4),
        .beta1 = static_cast<float>(beta1_),
        .one_minus_beta1 = static_cast<float>(1 - beta1_),
        .beta2 = static_cast<float>(beta2_),
        .one_minus_beta2 = static_cast<float>(1 - beta2_),
        .correction1 = static_cast<float>(1 / (1 - std::pow(beta1_, step))),
        .correction2 = static_cast<float>(1 / (1 - std::pow(beta2_, step))),
        .epsilon = static_cast<float>(epsilon_),
        .weight_decay = static_cast<float>(weight_decay_),
        .decoupled = decoupled_};
    const Slice slice(call);
    loops_.adam(constants, slice.Of(call, 0), slice.Of(call, 1), slice.Of(call, 2),
                slice.Of(call, 3), slice.count());
  }

 private:
  const Loops& loops_;
  double beta1_, beta2_, epsilon_, weight_decay_;
  bool decoupled_;
};

class MovingAverage final : public Kernel {
 public:
  MovingAverage(const Loops& loops, const Attributes& attributes)
      : loops_(loops), decay_(attributes.Float(Attr::decay)) {}

  void Run(const KernelCall& call) const override {
    const Slice slice(call);
    loops_.moving_average({static_cast<float>(decay_), static_cast<float>(1 - decay_)},
                          slice.Of(call, 0), slice.Of(call, 1), slice.count());
  }

 private:
  const Loops& loops_;
  double decay_;
};

/// True when all operands that are present are f32 and there is no epilogue.
bool Accepts(const KernelSpec& spec) {
  if (!spec.epilogue.empty()) return false;
  for (const ConstTensorView& operand : spec.operands) {
    if (operand.type != nullptr && operand.dtype() != DType::kF32) return false;
  }
  return true;
}

template <typename Update, const Loops& kLoops>
std::unique_ptr<Kernel> Make(const KernelSpec& spec) {
  if (!Accepts(spec)) return nullptr;
  return std::make_unique<Update>(kLoops, *spec.attributes);
}

template <typename Update>
constexpr KernelRow kRows[] = {
#define LOOPS(name, level, loops) {"updates", #name, CpuLevel::level, Make<Update, loops>},
#include "tersor/kernels/updates/kernels.inc"
#undef LOOPS
};

}  // namespace

std::span<const KernelRow> SgdUpdateRows() { return kRows<Sgd>; }
std::span<const KernelRow> AdamUpdateRows() { return kRows<Adam>; }
std::span<const KernelRow> MovingAverageUpdateRows() { return kRows<MovingAverage>; }

}  // namespace tersor::kernels::updates
