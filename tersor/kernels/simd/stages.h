// What an f32 kernel does to a sum before it stores it: bias, activation and fused followers. The
// integer kernels' counterpart is integer_chain.h.
#pragma once

#include <optional>
#include <vector>

#include "tersor/base/attributes.h"
#include "tersor/kernels/kernel.h"

namespace tersor::kernels {

/// y = activation(y * scale[channel] + shift[channel] + residual[position][channel]); a null part
/// is left out. `scale` and `shift` are readable for 16 floats past their channels; `residual`
/// has the shape of the (unpooled) result.
struct Stage {
  const float* scale = nullptr;
  const float* shift = nullptr;
  const float* residual = nullptr;
  Activation activation = Activation::kNone;
};

struct Stages {
  static constexpr int kMost = 6;
  int count = 0;
  bool max_pool = false;  ///< store the maximum over windows of 2x2 cells, step 2
  Stage stages[kMost];
};

/// From a kernel's bias, activation and chain of fused followers (epilogue_chain.h) to Stages. A
/// multiplication and the addition that follows it round once.
class StagePlan {
 public:
  /// `bias` is the index of the optional operand that holds one f32 a channel. Nothing where the
  /// chain is longer than Stages or holds what epilogue_chain.h does not read.
  static std::optional<StagePlan> Make(const KernelSpec& spec, size_t bias);

  bool max_pool() const { return max_pool_; }
  /// Floats of scratch that Bind() fills: where the bias is not constant.
  int64_t scratch_floats() const { return dynamic_bias_ ? padded_channels_ : 0; }
  size_t packed_bytes() const { return constants_.size() * sizeof(float); }
  /// The stages of one call. They point into this plan, `scratch` and the call's operands.
  Stages Bind(const KernelCall& call, float* scratch) const;

 private:
  static constexpr int64_t kNone = -1;
  /// Offsets in constants_, or kNone; `residual` is an index of the call's operands.
  struct Step {
    int64_t scale = kNone, shift = kNone, residual = kNone;
    Activation activation = Activation::kNone;
  };
  /// Keeps one value a channel, of(channel), and returns its offset.
  template <typename Function>
  int64_t AddConstant(const Function& of);
  void AddLink(const struct ChainLink& link);

  std::vector<Step> steps_;
  std::vector<float> constants_;
  int64_t channels_ = 0, padded_channels_ = 0;
  size_t bias_operand_ = 0;
  bool dynamic_bias_ = false;
  bool max_pool_ = false;
};

}  // namespace tersor::kernels
