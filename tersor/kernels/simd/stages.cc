#include "tersor/kernels/simd/stages.h"

#include <algorithm>

#include "tersor/kernels/simd/epilogue_chain.h"

namespace tersor::kernels {

template <typename Function>
int64_t StagePlan::AddConstant(const Function& of) {
  const int64_t place = static_cast<int64_t>(constants_.size());
  constants_.resize(constants_.size() + static_cast<size_t>(padded_channels_));
  for (int64_t c = 0; c < channels_; ++c) constants_[static_cast<size_t>(place + c)] = of(c);
  return place;
}

void StagePlan::AddLink(const ChainLink& link) {
  using Kind = ChainLink::Kind;
  const auto constant = [&](int64_t c) { return link.Constant<float>(c); };
  Step step;
  step.activation = link.activation();
  switch (link.kind) {
    case Kind::kMaxPool2x2:
      max_pool_ = true;
      // The maximum of clamped values is the clamped maximum.
      if (step.activation == Activation::kNone) return;
      break;
    case Kind::kAddTensor:
      step.residual = static_cast<int64_t>(link.operand);
      break;
    case Kind::kMultiplyConstant:
      step.scale = AddConstant(constant);
      break;
    case Kind::kAddConstant:
      step.shift = AddConstant(constant);
      if (steps_.back().activation == Activation::kNone && steps_.back().scale != kNone &&
          steps_.back().shift == kNone && steps_.back().residual == kNone) {
        steps_.back().shift = step.shift;
        steps_.back().activation = step.activation;
        return;
      }
  }
  steps_.push_back(step);
}

std::optional<StagePlan> StagePlan::Make(const KernelSpec& spec, size_t bias) {
  const auto links = ReadChain(spec, DType::kF32);
  if (!links.has_value()) return std::nullopt;
  const Shape& result = spec.results[0].shape;
  StagePlan plan;
  plan.channels_ = result[result.rank() - 1];
  plan.padded_channels_ = (plan.channels_ + 15) / 16 * 16 + 16;
  plan.bias_operand_ = bias;
  Step own;
  own.activation = spec.attributes->ActivationOf();
  if (bias < spec.operands.size() && spec.operands[bias].type != nullptr) {
    const ConstTensorView& values = spec.operands[bias];
    if (values.dtype() != DType::kF32 || values.shape().num_elements() != plan.channels_) {
      return std::nullopt;
    }
    plan.dynamic_bias_ = values.data == nullptr;
    if (!plan.dynamic_bias_) {
      own.shift = plan.AddConstant([&](int64_t c) { return values.as<float>()[c]; });
    }
  }
  plan.steps_.push_back(own);
  for (const ChainLink& link : *links) plan.AddLink(link);
  if (plan.steps_.size() > Stages::kMost) return std::nullopt;
  return plan;
}

Stages StagePlan::Bind(const KernelCall& call, float* scratch) const {
  Stages stages;
  stages.max_pool = max_pool_;
  for (const Step& step : steps_) {
    Stage& stage = stages.stages[stages.count++];
    if (step.scale != kNone) stage.scale = constants_.data() + step.scale;
    if (step.shift != kNone) stage.shift = constants_.data() + step.shift;
    if (step.residual != kNone) {
      stage.residual = call.operands[static_cast<size_t>(step.residual)].as<float>();
    }
    stage.activation = step.activation;
  }
  if (dynamic_bias_) {
    std::copy_n(call.operands[bias_operand_].as<float>(), channels_, scratch);
    std::fill(scratch + channels_, scratch + padded_channels_, 0.0f);
    stages.stages[0].shift = scratch;
  }
  const Stage& own = stages.stages[0];
  if (stages.count > 0 && own.shift == nullptr && own.activation == Activation::kNone) {
    std::copy(stages.stages + 1, stages.stages + stages.count, stages.stages);
    --stages.count;
  }
  return stages;
}

}  // namespace tersor::kernels
