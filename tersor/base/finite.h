// Where a tensor holds what is no number: NaN or an infinity.
#pragma once

#include <string>

#include "tersor/base/tensor.h"

namespace tersor {

/// The first element that is NaN or, where `infinities` is set, infinite: "nan at [3,4,0]". Empty
/// where there is none, and for integers. Reads f32, f16 and bf16 of concrete shape, in order.
std::string FindNonFinite(const ConstTensorView& view, bool infinities = true);

}  // namespace tersor
