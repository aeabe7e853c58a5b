// What an integer kernel does with its exact sums before it stores them: requantization and the
// chain of fused operators, worked out into the numbers that the vector code needs.
//
// All of it is computed on v = q - zero_point, a small integer that is held as the bits of the f32
// kRounder + v, each link as docs/integer-arithmetic.md says:
//   first        v = round(clamp(float(acc) * multiplier[c], lo, hi))
//   multiply     v = round(clamp((v * channel[c]) * multiplier_a, lo, hi))
//   add constant v = clamp((v * factor_a + channel[c]) >> shift, lo, hi), in int32
//   add tensor   v = clamp((v * factor_a + b * factor_b + bias) >> shift, lo, hi), in int32
// lo and hi are integers less the link's zero point, so clamping before rounding gives the same
// integer as the rule's order; round is half to even; the product v * channel[c] is exact.
//
// A max_pool2d at the end is taken on the exact sums, before anything else: each link is monotone
// in v (it rises or, where an odd number of constant factors is negative, falls), so the largest
// result of a window comes from the largest (smallest) sum of it. `pool_flip[c]` is -1 where it
// falls: largest(acc ^ -1) ^ -1 is the smallest.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels {

/// Rounding by addition: the f32 sum of kRounder = 1.5 * 2^23 and x, |x| < 2^22, is kRounder plus
/// x rounded half to even, and its bits are those of kRounder plus that integer. Larger |x| gives
/// bits beyond it on the same side, so that clamping the bits as integers is right for every x.
inline constexpr float kRounder = 12582912.0f;
inline constexpr int32_t kRounderBits = 0x4b400000;

struct IntegerLink {
  enum class Kind : uint8_t { kMultiply, kAddConstant, kAddTensor };
  Kind kind = Kind::kMultiply;
  int operand = 0;                       ///< kAddTensor: index into KernelCall::operands
  float multiplier = 0;                  ///< kMultiply
  int32_t factor_a = 0, factor_b = 0;    ///< kAdd...
  int32_t bias = 0;                      ///< kAddTensor: rounding, and the zero point of b
  int shift = 0;                         ///< kAdd...
  int32_t lo = 0, hi = 0;                ///< plus kRounderBits
  const float* channel = nullptr;        ///< kMultiply: [padded channels]
  const int32_t* channel_sum = nullptr;  ///< kAddConstant: [padded channels], with the rounding
};

/// Plain data: read by vector code. Owns its tables through `storage`.
struct IntegerChain {
  static constexpr int kMaxLinks = 4;

  IntegerChain() = default;
  IntegerChain(IntegerChain&&) = default;
  IntegerChain& operator=(IntegerChain&&) = default;

  const float* multiplier = nullptr;  ///< [padded channels]
  int32_t lo = 0, hi = 0;             ///< plus kRounderBits
  int link_count = 0;
  IntegerLink links[kMaxLinks];
  bool pool = false;                   ///< 2x2 windows at distance 2 over an even image
  const int32_t* pool_flip = nullptr;  ///< [padded channels]
  int32_t zero_point = 0;              ///< of the stored result (i8)
  std::vector<std::vector<float>> storage;
  std::vector<std::vector<int32_t>> integer_storage;
  std::vector<int32_t> flip_storage;
};

/// The chain behind an operator whose own result is spec.results[0] (i8, per tensor, channels
/// last) and whose sums are scaled by `multipliers` (one a channel). Tables are padded with zeros
/// to a multiple of `lanes` channels. Nothing where the chain is not of the supported form: any
/// number up to kMaxLinks of multiply and add by i8 constants ([C] or one element) and add of i8
/// tensors of the result's shape, then, where no tensor is added, an optional max_pool2d 2x2 at
/// distance 2 without padding over an image of even size.
std::optional<IntegerChain> MakeIntegerChain(const KernelSpec& spec, Activation activation,
                                             std::span<const float> multipliers, int lanes);

}  // namespace tersor::kernels
