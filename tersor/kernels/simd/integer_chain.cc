#include "tersor/kernels/simd/integer_chain.h"

#include <algorithm>

#include "tersor/kernels/integer_arithmetic.h"

namespace tersor::kernels {
namespace {

struct Bounds {
  int32_t lo, hi;
};

// Integers of the range less the zero point, plus kRounderBits.
Bounds BoundsOf(const TensorType& result, Activation activation) {
  const IntegerRange range = ActivationRange(result, activation);
  const int32_t zero_point = ZeroPointOf(result);
  return {kRounderBits + range.lo - zero_point, kRounderBits + range.hi - zero_point};
}

bool IsPlainI8(const TensorType& type) {
  return type.dtype == DType::kI8 && IsPerTensor(type) && ZeroPointOf(type) >= -128 &&
         ZeroPointOf(type) <= 127;
}

bool IsEvenPool(const Epilogue& link, const TensorType& input) {
  if (input.shape.rank() != 4 || input.shape[1] % 2 != 0 || input.shape[2] % 2 != 0) return false;
  if (link.attributes->Ints(Attr::window) != std::vector<int64_t>{2, 2} ||
      link.attributes->Ints(Attr::strides) != std::vector<int64_t>{2, 2}) {
    return false;
  }
  const Padding padding =
      link.attributes->PaddingOf().Resolve(input.shape[1], input.shape[2], 2, 2, 2, 2, 1, 1);
  return padding.top == 0 && padding.bottom == 0 && padding.left == 0 && padding.right == 0 &&
         link.result.quantization == input.quantization;
}

class Builder {
 public:
  Builder(const KernelSpec& spec, size_t padded) : spec_(spec), padded_(padded) {}

  bool Build(Activation activation, std::span<const float> multipliers) {
    const TensorType* previous = &spec_.results[0];
    if (!IsPlainI8(*previous)) return false;
    const Bounds first = BoundsOf(*previous, activation);
    chain.lo = first.lo;
    chain.hi = first.hi;
    channels_ = multipliers.size();
    chain.multiplier = Keep({multipliers.begin(), multipliers.end()});
    falls_.assign(padded_, 0);
    for (size_t i = 0; i < spec_.epilogue.size(); ++i) {
      const Epilogue& link = spec_.epilogue[i];
      if (!IsPlainI8(link.result)) return false;
      if (link.kind == Epilogue::Kind::kMaxPool2d) {
        if (i + 1 != spec_.epilogue.size() || tensors_ > 0 || !IsEvenPool(link, *previous)) {
          return false;
        }
        Pool(link);
      } else if (!Link(link, *previous)) {
        return false;
      }
      previous = &link.result;
    }
    chain.zero_point = ZeroPointOf(*previous);
    return true;
  }

  IntegerChain chain;

 private:
  const float* Keep(std::vector<float> values) {
    values.resize(padded_, 0.0f);
    chain.storage.push_back(std::move(values));
    return chain.storage.back().data();
  }

  // A clamp after rounding to the pool's range, folded into the bounds of what comes before it.
  void Pool(const Epilogue& link) {
    const Bounds bounds = BoundsOf(link.result, link.attributes->ActivationOf());
    const int count = chain.link_count;
    int32_t& lo = count == 0 ? chain.lo : chain.links[count - 1].lo;
    int32_t& hi = count == 0 ? chain.hi : chain.links[count - 1].hi;
    lo = std::clamp(lo, bounds.lo, bounds.hi);
    hi = std::clamp(hi, bounds.lo, bounds.hi);
    chain.pool = true;
    chain.flip_storage = falls_;
    chain.pool_flip = chain.flip_storage.data();
  }

  bool Link(const Epilogue& link, const TensorType& input) {
    if (chain.link_count == IntegerChain::kMaxLinks || link.operand.type == nullptr) return false;
    const TensorType& operand = *link.operand.type;
    if (!IsPlainI8(operand) || link.result.shape != input.shape) return false;
    IntegerLink& out = chain.links[chain.link_count++];
    const Bounds bounds = BoundsOf(link.result, link.attributes->ActivationOf());
    out.lo = bounds.lo;
    out.hi = bounds.hi;
    const float scale_a = ScaleOf(input), scale_b = ScaleOf(operand);
    const float scale_out = ScaleOf(link.result);
    const AddFactors factors = MakeAddFactors(scale_a, scale_b, scale_out, false);
    if (link.kind == Epilogue::Kind::kAdd) {
      out.factor_a = factors.a;
      out.factor_b = factors.b;
      out.shift = factors.shift;
      out.bias = factors.rounding() - ZeroPointOf(operand) * factors.b;
    }
    if (link.operand.data == nullptr) {
      if (link.kind != Epilogue::Kind::kAdd || operand.shape != input.shape) return false;
      out.kind = IntegerLink::Kind::kAddTensor;
      out.operand = static_cast<int>(spec_.operands.size()) + tensors_++;
      return true;
    }
    const auto count = static_cast<size_t>(operand.shape.num_elements());
    const bool along_channels =
        operand.shape.rank() > 0 && count == channels_ &&
        static_cast<size_t>(operand.shape[operand.shape.rank() - 1]) == count;
    if (count != 1 && !along_channels) return false;
    const auto* values = link.operand.as<int8_t>();
    if (link.kind == Epilogue::Kind::kMultiply) {
      out.kind = IntegerLink::Kind::kMultiply;
      out.multiplier = ProductMultiplier(scale_a, scale_b, scale_out);
      std::vector<float> channel(channels_);
      for (size_t c = 0; c < channels_; ++c) {
        channel[c] = static_cast<float>(values[count == 1 ? 0 : c] - ZeroPointOf(operand));
        if (channel[c] < 0) falls_[c] = ~falls_[c];
      }
      out.channel = Keep(std::move(channel));
      return true;
    }
    out.kind = IntegerLink::Kind::kAddConstant;
    std::vector<int32_t> sums(padded_, 0);
    for (size_t c = 0; c < channels_; ++c) {
      sums[c] = values[count == 1 ? 0 : c] * out.factor_b + out.bias;
    }
    chain.integer_storage.push_back(std::move(sums));
    out.channel_sum = chain.integer_storage.back().data();
    return true;
  }

  const KernelSpec& spec_;
  size_t padded_, channels_ = 0;
  int tensors_ = 0;
  std::vector<int32_t> falls_;
};

}  // namespace

std::optional<IntegerChain> MakeIntegerChain(const KernelSpec& spec, Activation activation,
                                             std::span<const float> multipliers, int lanes) {
  const size_t step = static_cast<size_t>(lanes);
  Builder builder(spec, (multipliers.size() + step - 1) / step * step);
  if (!builder.Build(activation, multipliers)) return std::nullopt;
  return std::move(builder.chain);
}

}  // namespace tersor::kernels
