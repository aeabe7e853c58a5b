// Axes of a tensor in another order, on plain bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tersor/base/tensor.h"

namespace tersor::formats::tflite {

/// Copies `source`, of extents `dims`, to `target`, whose axis i is axis permutation[i] of the
/// source. At least one axis.
void Permute(const std::byte* source, std::byte* target, const std::vector<int64_t>& dims,
             const std::vector<int>& permutation, size_t element_bytes);

/// The type of the result: shape, and the axis of the scales.
TensorType PermuteType(const TensorType& type, const std::vector<int>& permutation);

}  // namespace tersor::formats::tflite
