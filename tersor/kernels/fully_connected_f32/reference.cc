#include <algorithm>

#include "tersor/kernels/fully_connected_f32/fully_connected_f32.h"

namespace tersor::kernels::fully_connected_f32 {
namespace {

class ReferenceKernel : public Kernel {
 public:
  explicit ReferenceKernel(const Extents& extents) : e_(extents) {}

  void Run(const KernelCall& call) const override {
    const auto* input = call.operands[0].as<float>();
    const auto* filter = call.operands[1].as<float>();
    const auto* bias = call.operands[2].as<float>();
    auto* output = call.results[0].as<float>();
    const ActivationBounds bounds = BoundsOf(e_.activation);
    for (int64_t n = 0; n < e_.examples; ++n) {
      for (int64_t o = 0; o < e_.outputs; ++o) {
        double sum = bias ? bias[o] : 0;
        for (int64_t i = 0; i < e_.inputs; ++i) {
          sum += double{input[n * e_.inputs + i]} * filter[o * e_.inputs + i];
        }
        output[n * e_.outputs + o] =
            static_cast<float>(std::clamp<double>(sum, bounds.low, bounds.high));
      }
    }
  }

 private:
  Extents e_;
};

}  // namespace

std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec) {
  Extents extents;
  if (!spec.epilogue.empty() || !ReadExtents(spec, extents)) return nullptr;
  return std::make_unique<ReferenceKernel>(extents);
}

}  // namespace tersor::kernels::fully_connected_f32
