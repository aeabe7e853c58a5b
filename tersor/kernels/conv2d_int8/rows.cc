#include "tersor/kernels/conv2d_int8/conv2d_int8.h"

namespace tersor::kernels::conv2d_int8 {

std::span<const KernelRow> Rows() {
  static constexpr KernelRow kRows[] = {
#define KERNEL(name, level, maker) {"conv2d_int8", #name, CpuLevel::level, maker},
#include "tersor/kernels/conv2d_int8/kernels.inc"
#undef KERNEL
  };
  return kRows;
}

}  // namespace tersor::kernels::conv2d_int8
