// What the rows of this family share.
#pragma once

#include <memory>

#include "tersor/kernels/pool_int8/loops.h"
#include "tersor/kernels/pool_int8/pool_int8.h"

namespace tersor::kernels::pool_int8 {

/// False when the case is not as pool_int8.h describes it.
bool ReadMax(const KernelSpec& spec, PoolCase& pool_case);
bool ReadAvg(const KernelSpec& spec, PoolCase& pool_case);

/// The last row of each operator: the definition.
std::unique_ptr<Kernel> MakeMaxPool2dReference(const KernelSpec& spec);
std::unique_ptr<Kernel> MakeAvgPool2dReference(const KernelSpec& spec);

}  // namespace tersor::kernels::pool_int8
