#include "tersor/kernels/fully_connected_int8/fully_connected_int8.h"

namespace tersor::kernels::fully_connected_int8 {

std::span<const KernelRow> Rows() {
  static constexpr KernelRow kRows[] = {
#define KERNEL(name, level, maker) {"fully_connected_int8", #name, CpuLevel::level, maker},
#include "tersor/kernels/fully_connected_int8/kernels.inc"
#undef KERNEL
  };
  return kRows;
}

}  // namespace tersor::kernels::fully_connected_int8
