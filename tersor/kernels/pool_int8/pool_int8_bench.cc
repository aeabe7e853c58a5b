#include "tersor/kernels/kernel_benchmark.h"
#include "tersor/kernels/pool_int8/pool_int8.h"

namespace tersor::kernels::pool_int8 {
namespace {

const int kRegistered = [] {
  struct {
    int64_t extent, c, window;
  } const cases[] = {{32, 32, 2}, {16, 3, 2}, {16, 6, 2}, {16, 13, 2}, {8, 64, 8}};
  for (const auto& [extent, c, window] : cases) {
    const int64_t reduced = extent / window;
    const auto make = [extent = extent, c = c, window = window, reduced] {
      const Quantization quantization = {{0.1f}, {-5}, -1};
      testing::OperatorCase o;
      o.Operand({DType::kI8, {1, extent, extent, c}, quantization},
                testing::RandomValues<int8_t>(extent * extent * c, 1));
      o.Result({DType::kI8, {1, reduced, reduced, c}, quantization});
      o.attributes.Set(Attr::window, std::vector<int64_t>{window, window})
          .Set(Attr::strides, std::vector<int64_t>{window, window});
      return o;
    };
    const auto bytes = static_cast<double>((extent * extent + reduced * reduced) * c);
    const std::string shape = StrCat(extent, "x", extent, "x", c, "_window_", window);
    testing::RegisterRows("max_" + shape, MaxPool2dRows(), make, 0, bytes);
    testing::RegisterRows("avg_" + shape, AvgPool2dRows(), make, 0, bytes);
  }
  return 0;
}();

}  // namespace
}  // namespace tersor::kernels::pool_int8
