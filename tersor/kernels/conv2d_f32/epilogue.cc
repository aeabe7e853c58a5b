#include "tersor/kernels/conv2d_f32/epilogue.h"

#include <algorithm>

#include "tersor/kernels/winograd_f32/winograd_f32.h"

namespace tersor::kernels::conv2d_f32 {
namespace {

constexpr size_t kBias = 2;  // among the operands of Conv2d

/// One element, or one a channel along the last axis.
bool IsAlongChannels(const Shape& shape, int64_t channels) {
  const int64_t count = shape.num_elements();
  return count == 1 || (count == channels && shape[shape.rank() - 1] == channels);
}

bool IsPlainHalving(const Attributes& attributes, const Geometry& g) {
  const std::vector<int64_t> two = {2, 2};
  if (attributes.Ints(Attr::window) != two || attributes.Ints(Attr::strides) != two) return false;
  const Padding padding =
      attributes.PaddingOf().Resolve(g.out_height, g.out_width, 2, 2, 2, 2, 1, 1);
  return padding.top == 0 && padding.bottom == 0 && padding.left == 0 && padding.right == 0 &&
         g.out_height >= 2 && g.out_width >= 2;
}

}  // namespace

int64_t EpiloguePlan::AddConstant(const ConstTensorView& values) {
  const int64_t place = static_cast<int64_t>(constants_.size());
  constants_.resize(constants_.size() + static_cast<size_t>(padded_channels_));
  const float* from = values.as<float>();
  const bool one = values.shape().num_elements() == 1;
  for (int64_t c = 0; c < channels_; ++c) {
    constants_[static_cast<size_t>(place + c)] = from[one ? 0 : c];
  }
  return place;
}

bool EpiloguePlan::AddLink(const Epilogue& link, const Geometry& geometry, size_t* operand) {
  if (max_pool_ || link.result.dtype != DType::kF32) return false;
  if (link.kind == Epilogue::Kind::kMaxPool2d) {
    if (!IsPlainHalving(*link.attributes, geometry)) return false;
    max_pool_ = true;
    // The maximum of clamped values is the clamped maximum.
    const Activation activation = link.attributes->ActivationOf();
    if (activation != Activation::kNone) steps_.push_back({kNone, kNone, kNone, activation});
    return true;
  }
  if (link.operand.type == nullptr || link.operand.dtype() != DType::kF32) return false;
  Step step;
  step.activation = link.attributes->ActivationOf();
  if (link.operand.data == nullptr) {
    const Shape result = {geometry.batch, geometry.out_height, geometry.out_width,
                          geometry.out_channels};
    if (link.kind != Epilogue::Kind::kAdd || link.operand.shape() != result) return false;
    step.residual = static_cast<int64_t>((*operand)++);
  } else if (!IsAlongChannels(link.operand.shape(), channels_)) {
    return false;
  } else if (link.kind == Epilogue::Kind::kMultiply) {
    step.scale = AddConstant(link.operand);
  } else {
    step.shift = AddConstant(link.operand);
    Step* last = steps_.empty() ? nullptr : &steps_.back();
    if (last != nullptr && last->activation == Activation::kNone && last->scale != kNone &&
        last->shift == kNone && last->residual == kNone) {
      last->shift = step.shift;
      last->activation = step.activation;
      return true;
    }
  }
  steps_.push_back(step);
  return true;
}

std::optional<EpiloguePlan> EpiloguePlan::Make(const KernelSpec& spec, const Geometry& geometry) {
  EpiloguePlan plan;
  plan.channels_ = geometry.out_channels;
  plan.padded_channels_ = winograd_f32::RoundUp(geometry.out_channels, 16) + 16;
  Step own;
  own.activation = spec.attributes->ActivationOf();
  if (HasOperand(spec, kBias)) {
    const ConstTensorView& bias = spec.operands[kBias];
    if (bias.dtype() != DType::kF32 || bias.shape().num_elements() != geometry.out_channels) {
      return std::nullopt;
    }
    plan.dynamic_bias_ = bias.data == nullptr;
    own.shift = plan.dynamic_bias_ ? kNone : plan.AddConstant(bias);
  }
  plan.steps_.push_back(own);
  size_t operand = spec.operands.size();
  for (const Epilogue& link : spec.epilogue) {
    if (!plan.AddLink(link, geometry, &operand)) return std::nullopt;
  }
  if (plan.steps_.size() > winograd_f32::Stages::kMost) return std::nullopt;
  return plan;
}

winograd_f32::Stages EpiloguePlan::Bind(const KernelCall& call, float* scratch) const {
  winograd_f32::Stages stages;
  stages.max_pool = max_pool_;
  for (const Step& step : steps_) {
    winograd_f32::Stage& stage = stages.stages[stages.count++];
    if (step.scale != kNone) stage.scale = constants_.data() + step.scale;
    if (step.shift != kNone) stage.shift = constants_.data() + step.shift;
    if (step.residual != kNone) {
      stage.residual = call.operands[static_cast<size_t>(step.residual)].as<float>();
    }
    stage.activation = step.activation;
  }
  if (dynamic_bias_) {
    std::copy_n(call.operands[kBias].as<float>(), channels_, scratch);
    std::fill(scratch + channels_, scratch + padded_channels_, 0.0f);
    stages.stages[0].shift = scratch;
  }
  const winograd_f32::Stage& own = stages.stages[0];
  if (stages.count > 0 && own.shift == nullptr && own.activation == Activation::kNone) {
    std::copy(stages.stages + 1, stages.stages + stages.count, stages.stages);
    --stages.count;
  }
  return stages;
}

}  // namespace tersor::kernels::conv2d_f32
