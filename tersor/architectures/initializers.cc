#include "tersor/architectures/initializers.h"

#include <cmath>

#include "tersor/base/random.h"

namespace tersor::architectures {

Result<Tensor> GlorotUniform(const Shape& filter, uint64_t seed, const std::string& name) {
  TERSOR_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create({DType::kF32, filter, {}}));
  double taps = 1;
  for (int axis = 1; axis + 1 < filter.rank(); ++axis) taps *= static_cast<double>(filter[axis]);
  const auto outputs = static_cast<double>(filter[0]);
  const auto inputs = static_cast<double>(filter[filter.rank() - 1]);
  const double limit = std::sqrt(6.0 / (taps * (inputs + outputs)));
  uint64_t stream = 0xcbf29ce484222325u;  // FNV-1a of the name
  for (char c : name) stream = (stream ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  Random random(seed, stream);
  for (float& value : tensor.mutable_values<float>()) {
    value = static_cast<float>((2 * random.NextDouble() - 1) * limit);
  }
  return tensor;
}

Result<Tensor> Filled(const Shape& shape, float value) {
  TERSOR_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create({DType::kF32, shape, {}}));
  for (float& element : tensor.mutable_values<float>()) element = value;
  return tensor;
}

}  // namespace tersor::architectures
