#include "tersor/kernels/dropout/dropout.h"

#include <cmath>

#include "tersor/base/random.h"
#include "tersor/kernels/dropout/loops.h"

namespace tersor::kernels::dropout {
namespace {

struct DropoutCase {
  int64_t count, elements_per_example;
  uint64_t seed;
  uint64_t threshold;  ///< a word is kept from here on, 0 to 2^32
  float scale;         ///< of what is kept
};

/// False when the case is not as dropout.h describes it.
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

class Dropout final : public Kernel {
 public:
  Dropout(const Loops& loops, const DropoutCase& d) : loops_(loops), d_(d) {}

  void Run(const KernelCall& call) const override {
    const auto* input = call.operands[0].as<float>();
    const uint64_t stream = kStreamBase + static_cast<uint64_t>(call.operands[1].as<int64_t>()[0]);
    auto* output = call.results[0].as<float>();
    const auto first = static_cast<uint64_t>(call.first_example * d_.elements_per_example);
    int64_t i = 0;
    for (; i < d_.count && (first + static_cast<uint64_t>(i)) % 4 != 0; ++i) {
      ApplyOne(stream, first, i, input, output);
    }
    // A threshold of 2^32 keeps nothing, and does not fit a word.
    if (d_.threshold >> 32 == 0) {
      const Draw draw = {d_.seed, stream, first + static_cast<uint64_t>(i),
                         static_cast<uint32_t>(d_.threshold), d_.scale};
      i += loops_.apply_blocks(draw, input + i, output + i, d_.count - i);
    }
    for (; i < d_.count; ++i) ApplyOne(stream, first, i, input, output);
  }

 private:
  /// The definition.
  void ApplyOne(uint64_t stream, uint64_t first, int64_t i, const float* input,
                float* output) const {
    const uint64_t e = first + static_cast<uint64_t>(i);
    const bool kept = Philox(d_.seed, stream, e / 4)[e % 4] >= d_.threshold;
    output[i] = kept ? input[i] * d_.scale : 0;
  }

  const Loops& loops_;
  DropoutCase d_;
};

/// Leaves every element to the definition.
int64_t ApplyNone(const Draw&, const float*, float*, int64_t) { return 0; }

template <const Loops& kLoops>
std::unique_ptr<Kernel> Make(const KernelSpec& spec) {
  DropoutCase dropout_case;
  if (!ReadCase(spec, dropout_case)) return nullptr;
  return std::make_unique<Dropout>(kLoops, dropout_case);
}

constexpr KernelRow kRows[] = {
#define LOOPS(name, level, loops) {"dropout", #name, CpuLevel::level, Make<loops>},
#include "tersor/kernels/dropout/kernels.inc"
#undef LOOPS
};

}  // namespace

constinit const Loops kReferenceLoops = {ApplyNone};

std::span<const KernelRow> Rows() { return kRows; }

}  // namespace tersor::kernels::dropout
