// A tensor with a name.
#pragma once

#include <string>

#include "tersor/base/tensor.h"

namespace tersor::data {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

}  // namespace tersor::data
