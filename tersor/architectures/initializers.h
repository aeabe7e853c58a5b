// Initial weights.
#pragma once

#include <cstdint>
#include <string>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"

namespace tersor::architectures {

/// Uniform in [-l, l] with l = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010). A filter
/// [O,KH,KW,I] has fan_in = KH*KW*I and fan_out = KH*KW*O; [O,I] has I and O. A function of seed
/// and name alone.
Result<Tensor> GlorotUniform(const Shape& filter, uint64_t seed, const std::string& name);
Result<Tensor> Filled(const Shape& shape, float value);

}  // namespace tersor::architectures
