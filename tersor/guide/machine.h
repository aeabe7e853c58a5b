// The machine that measurements are of.
#pragma once

#include <string>

namespace tersor::guide {

/// "AMD EPYC 7543, 2 CPUs, avx2": the CPU's own name where the system tells it, how many CPUs this
/// process may use, and the best kernels' level.
std::string MachineText();

}  // namespace tersor::guide
