// The chain of operators behind a kernel's own, read and checked once for the kernels that fuse it:
// in f32 (stages.h) and on integers (integer_chain.h).
#pragma once

#include <optional>
#include <vector>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels {

struct ChainLink {
  enum class Kind : uint8_t { kMultiplyConstant, kAddConstant, kAddTensor, kMaxPool2x2 };
  Kind kind;
  const Epilogue* link;     ///< its operand, attributes and result
  const TensorType* input;  ///< the type that it reads
  size_t operand = 0;       ///< kAddTensor: index in KernelCall::operands

  Activation activation() const { return link->attributes->ActivationOf(); }
  /// The constant of channel c, one element standing for all of them.
  template <typename T>
  T Constant(int64_t c) const {
    return link->operand.as<T>()[link->operand.shape().num_elements() == 1 ? 0 : c];
  }
};

/// The links of spec.epilogue behind a result whose last axis is the channels. Nothing unless every
/// type is of `dtype` and each link is one of
///   multiplication or addition by a constant along the channels, or of one element;
///   addition of a tensor of the result's shape whose data comes with the call;
///   as the last link, max_pool2d over 2x2 windows at distance 2, without padding, that has a
///   result.
std::optional<std::vector<ChainLink>> ReadChain(const KernelSpec& spec, DType dtype);

}  // namespace tersor::kernels
