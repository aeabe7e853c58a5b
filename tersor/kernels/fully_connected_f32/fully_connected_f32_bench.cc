#include "tersor/kernels/fully_connected_f32/fully_connected_f32.h"
#include "tersor/kernels/kernel_benchmark.h"

namespace tersor::kernels::fully_connected_f32 {
namespace {

const int kRegistered = [] {
  struct {
    int64_t n, i, o;
    bool constant;
  } const cases[] = {{1, 96, 26, true},     {1, 26, 10, true},      {1, 512, 128, true},
                     {1, 1024, 256, true},  {1, 2048, 512, true},   {1, 512, 10, true},
                     {64, 2048, 512, true}, {64, 2048, 512, false}, {64, 208, 51, false},
                     {64, 512, 10, false}};
  for (const auto& [n, i, o, constant] : cases) {
    const auto make = [n = n, i = i, o = o, constant = constant] {
      testing::OperatorCase c;
      c.Operand({n, i}, testing::RandomValues<float>(n * i, 1));
      const auto filter = testing::RandomValues<float>(o * i, 2);
      constant ? c.Constant({o, i}, filter) : c.Operand({o, i}, filter);
      c.Operand({o}, testing::RandomValues<float>(o, 3)).Result({n, o});
      return c;
    };
    const auto values = static_cast<double>(o * i);
    testing::RegisterRows(StrCat(constant ? "constant_" : "dynamic_", n, "x", i, "x", o), Rows(),
                          make, 2.0 * values * static_cast<double>(n), 4 * values);
  }
  return 0;
}();

}  // namespace
}  // namespace tersor::kernels::fully_connected_f32
