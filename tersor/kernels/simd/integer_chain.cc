#include "tersor/kernels/simd/integer_chain.h"

#include <algorithm>

#include "tersor/kernels/integer_arithmetic.h"
#include "tersor/kernels/simd/epilogue_chain.h"

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
    const auto links = ReadChain(spec_, DType::kI8);
    if (!links.has_value()) return false;
    for (const ChainLink& link : *links) {
      if (!IsPlainI8(link.link->result)) return false;
      if (link.kind == ChainLink::Kind::kMaxPool2x2 ? !Pool(link) : !Link(link)) return false;
      previous = &link.link->result;
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
  // Adding a tensor is not monotone in the sum alone, and an odd image has cells of no window.
  bool Pool(const ChainLink& link) {
    const TensorType& input = *link.input;
    if (adds_tensor_ || input.shape[1] % 2 != 0 || input.shape[2] % 2 != 0 ||
        link.link->result.quantization != input.quantization) {
      return false;
    }
    const Bounds bounds = BoundsOf(link.link->result, link.activation());
    const int count = chain.link_count;
    int32_t& lo = count == 0 ? chain.lo : chain.links[count - 1].lo;
    int32_t& hi = count == 0 ? chain.hi : chain.links[count - 1].hi;
    lo = std::clamp(lo, bounds.lo, bounds.hi);
    hi = std::clamp(hi, bounds.lo, bounds.hi);
    chain.pool = true;
    chain.flip_storage = falls_;
    chain.pool_flip = chain.flip_storage.data();
    return true;
  }

  bool Link(const ChainLink& link) {
    const TensorType& operand = *link.link->operand.type;
    if (chain.link_count == IntegerChain::kMaxLinks || !IsPlainI8(operand)) return false;
    IntegerLink& out = chain.links[chain.link_count++];
    const Bounds bounds = BoundsOf(link.link->result, link.activation());
    out.lo = bounds.lo;
    out.hi = bounds.hi;
    const float scale_a = ScaleOf(*link.input), scale_b = ScaleOf(operand);
    const float scale_out = ScaleOf(link.link->result);
    if (link.kind == ChainLink::Kind::kMultiplyConstant) {
      out.kind = IntegerLink::Kind::kMultiply;
      out.multiplier = ProductMultiplier(scale_a, scale_b, scale_out);
      std::vector<float> channel(channels_);
      for (size_t c = 0; c < channels_; ++c) {
        channel[c] = static_cast<float>(Constant(link, c) - ZeroPointOf(operand));
        if (channel[c] < 0) falls_[c] = ~falls_[c];
      }
      out.channel = Keep(std::move(channel));
      return true;
    }
    const AddFactors factors = MakeAddFactors(scale_a, scale_b, scale_out, false);
    out.factor_a = factors.a;
    out.factor_b = factors.b;
    out.shift = factors.shift;
    out.bias = factors.rounding() - ZeroPointOf(operand) * factors.b;
    if (link.kind == ChainLink::Kind::kAddTensor) {
      out.kind = IntegerLink::Kind::kAddTensor;
      out.operand = static_cast<int>(link.operand);
      adds_tensor_ = true;
      return true;
    }
    out.kind = IntegerLink::Kind::kAddConstant;
    std::vector<int32_t> sums(padded_, 0);
    for (size_t c = 0; c < channels_; ++c) {
      sums[c] = Constant(link, c) * out.factor_b + out.bias;
    }
    chain.integer_storage.push_back(std::move(sums));
    out.channel_sum = chain.integer_storage.back().data();
    return true;
  }

  static int32_t Constant(const ChainLink& link, size_t channel) {
    return link.Constant<int8_t>(static_cast<int64_t>(channel));
  }

  const KernelSpec& spec_;
  size_t padded_, channels_ = 0;
  bool adds_tensor_ = false;
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
