#include "tersor/kernels/kernel_benchmark.h"
#include "tersor/kernels/pool_f32/pool_f32.h"

namespace tersor::kernels::pool_f32 {
namespace {

const int kRegistered = [] {
  struct {
    int64_t n, extent, c;
  } const cases[] = {{1, 32, 32},  {1, 16, 3},  {1, 16, 6}, {1, 8, 64},
                     {64, 32, 32}, {64, 16, 6}, {64, 8, 13}};
  for (const auto& [n, extent, c] : cases) {
    const Shape input = {n, extent, extent, c}, output = {n, extent / 2, extent / 2, c};
    const auto add = [&](testing::OperatorCase& o, const Shape& shape) {
      o.Operand(shape, testing::RandomValues<float>(shape.num_elements(), 1));
    };
    const auto window = [](testing::OperatorCase& o, int64_t size) {
      o.attributes.Set(Attr::window, std::vector<int64_t>{size, size})
          .Set(Attr::strides, std::vector<int64_t>{size, size});
    };
    const auto in_bytes = 4.0 * static_cast<double>(input.num_elements());
    testing::RegisterRows(
        "max_2x2_" + input.ToString(), MaxPool2dRows(),
        [=] {
          testing::OperatorCase o;
          add(o, input);
          o.Result(output);
          window(o, 2);
          return o;
        },
        0, in_bytes * 1.25);
    testing::RegisterRows(
        "max_2x2_grad_" + input.ToString(), MaxPool2dGradRows(),
        [=] {
          testing::OperatorCase o;
          add(o, output);
          add(o, input);
          add(o, output);
          o.Result(input);
          window(o, 2);
          return o;
        },
        0, in_bytes * 2.25);
    testing::RegisterRows(
        "avg_global_" + input.ToString(), AvgPool2dRows(),
        [=] {
          testing::OperatorCase o;
          add(o, input);
          o.Result({n, 1, 1, c});
          window(o, extent);
          return o;
        },
        0, in_bytes);
  }
  return 0;
}();

}  // namespace
}  // namespace tersor::kernels::pool_f32
