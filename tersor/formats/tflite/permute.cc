#include "tersor/formats/tflite/permute.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>

namespace tersor::formats::tflite {

void Permute(const std::byte* source, std::byte* target, const std::vector<int64_t>& dims,
             const std::vector<int>& permutation, size_t element_bytes) {
  const size_t rank = dims.size();
  std::vector<int64_t> strides(rank, 1);
  for (size_t i = rank - 1; i-- > 0;) strides[i] = strides[i + 1] * dims[i + 1];
  std::vector<int64_t> index(rank, 0);
  const int64_t count =
      std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<int64_t>());
  int64_t from = 0;
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(target + static_cast<size_t>(i) * element_bytes,
                source + static_cast<size_t>(from) * element_bytes, element_bytes);
    for (size_t axis = rank; axis-- > 0;) {
      const auto source_axis = static_cast<size_t>(permutation[axis]);
      from += strides[source_axis];
      if (++index[axis] < dims[source_axis]) break;
      from -= strides[source_axis] * dims[source_axis];
      index[axis] = 0;
    }
  }
}

TensorType PermuteType(const TensorType& type, const std::vector<int>& permutation) {
  TensorType permuted = type;
  for (size_t i = 0; i < permutation.size(); ++i) {
    permuted.shape[static_cast<int>(i)] = type.shape[permutation[i]];
  }
  if (type.quantization && type.quantization->per_channel()) {
    const auto axis = std::find(permutation.begin(), permutation.end(), type.quantization->axis);
    permuted.quantization->axis = static_cast<int>(axis - permutation.begin());
  }
  return permuted;
}

}  // namespace tersor::formats::tflite
