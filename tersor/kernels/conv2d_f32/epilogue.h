// From a kernel's bias, activation and chain of fused followers to Stages.
#pragma once

#include <optional>
#include <vector>

#include "tersor/kernels/conv2d_f32/geometry.h"
#include "tersor/kernels/winograd_f32/stages.h"

namespace tersor::kernels::conv2d_f32 {

/// Takes a chain of kMultiply and kAdd by constants along the channels, kAdd of a tensor of the
/// result's shape, and, as the last link, kMaxPool2d over 2x2 cells with step 2 that needs no
/// padding; each with its activation. A multiplication and the addition that follows it round once.
class EpiloguePlan {
 public:
  /// Nothing where the chain holds anything else.
  static std::optional<EpiloguePlan> Make(const KernelSpec& spec, const Geometry& geometry);

  bool max_pool() const { return max_pool_; }
  /// Floats of scratch that Bind() fills: where the bias is not constant.
  int64_t scratch_floats() const { return dynamic_bias_ ? padded_channels_ : 0; }
  size_t packed_bytes() const { return constants_.size() * sizeof(float); }
  /// The stages of one call. They point into this plan, `scratch` and the call's operands.
  winograd_f32::Stages Bind(const KernelCall& call, float* scratch) const;

 private:
  static constexpr int64_t kNone = -1;
  /// Offsets in constants_, or kNone; `residual` is an index of the call's operands.
  struct Step {
    int64_t scale = kNone, shift = kNone, residual = kNone;
    Activation activation = Activation::kNone;
  };
  int64_t AddConstant(const ConstTensorView& values);
  bool AddLink(const Epilogue& link, const Geometry& geometry, size_t* operand);

  std::vector<Step> steps_;
  std::vector<float> constants_;
  int64_t channels_ = 0, padded_channels_ = 0;
  bool dynamic_bias_ = false;
  bool max_pool_ = false;
};

}  // namespace tersor::kernels::conv2d_f32
