#include "tersor/kernels/depthwise_int8/depthwise_int8.h"

namespace tersor::kernels::depthwise_int8 {

std::span<const KernelRow> Rows() {
#if defined(__x86_64__)
  static constexpr KernelRow kRows[] = {
#define KERNEL(name, level, maker) {"depthwise_int8", #name, CpuLevel::level, maker},
#include "tersor/kernels/depthwise_int8/kernels.inc"
#undef KERNEL
  };
  return kRows;
#else
  return {};
#endif
}

}  // namespace tersor::kernels::depthwise_int8
