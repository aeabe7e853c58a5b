// Gradients of activations for the vector width of the file that includes it.
#pragma once

#include "tersor/kernels/activations_grad/activations_grad.h"
#include "tersor/kernels/simd/x86_vector.h"

namespace tersor::kernels::activations_grad {
namespace {

struct ReluGrad {
  static Vector Apply(Vector gradient, Vector output) {
    return Vector::Keep(Vector::Greater(output, Vector::Zero()), gradient);
  }
};

struct Relu6Grad {
  static Vector Apply(Vector gradient, Vector output) {
    const auto inside = Vector::And(Vector::Greater(output, Vector::Zero()),
                                    Vector::Greater(Vector::Fill(6), output));
    return Vector::Keep(inside, gradient);
  }
};

struct SigmoidGrad {
  static Vector Apply(Vector gradient, Vector output) {
    return gradient * output * (Vector::Fill(1) - output);
  }
};

struct TanhGrad {
  static Vector Apply(Vector gradient, Vector output) {
    return gradient * (Vector::Fill(1) - output * output);
  }
};

template <typename Activation>
class VectorKernel : public Kernel {
 public:
  explicit VectorKernel(int64_t count) : count_(count) {}

  void Run(const KernelCall& call) const override {
    const auto* gradient = call.operands[0].as<float>();
    const auto* output = call.operands[1].as<float>();
    auto* result = call.results[0].as<float>();
    int64_t i = 0;
    for (; i + Vector::kLanes <= count_; i += Vector::kLanes) {
      Activation::Apply(Vector::Load(gradient + i), Vector::Load(output + i)).Store(result + i);
    }
    const int rest = static_cast<int>(count_ - i);
    Activation::Apply(Vector::LoadPart(gradient + i, rest), Vector::LoadPart(output + i, rest))
        .StorePart(result + i, rest);
  }

 private:
  int64_t count_;
};

template <typename Activation>
std::unique_ptr<Kernel> Make(const KernelSpec& spec) {
  if (!Accepts(spec)) return nullptr;
  return std::make_unique<VectorKernel<Activation>>(spec.results[0].shape.num_elements());
}

}  // namespace
}  // namespace tersor::kernels::activations_grad
