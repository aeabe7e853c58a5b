#include "tersor/kernels/kernel_benchmark.h"
#include "tersor/kernels/updates/updates.h"

namespace tersor::kernels::updates {
namespace {

using testing::OperatorCase;

const int kRegistered = [] {
  for (const int64_t count : {100'000, 1'300'000}) {
    const auto tensors = [count](OperatorCase& c, int number) {
      for (int i = 0; i < number; ++i) {
        c.Operand({count}, std::vector<float>(static_cast<size_t>(count), 0.01f));
      }
    };
    const auto scalar = [](OperatorCase& c, float value) {
      c.Operand(Shape{}, std::vector<float>{value});
    };
    const auto bytes = 4.0 * static_cast<double>(count);
    testing::RegisterRows(
        StrCat("sgd_", count), SgdUpdateRows(),
        [=] {
          OperatorCase c;
          tensors(c, 3);
          scalar(c, 0.1f);
          c.attributes.Set(Attr::momentum, 0.9);
          return c;
        },
        0, 5 * bytes);
    testing::RegisterRows(
        StrCat("adam_", count), AdamUpdateRows(),
        [=] {
          OperatorCase c;
          tensors(c, 4);
          scalar(c, 0.001f);
          scalar(c, 5);
          return c;
        },
        0, 7 * bytes);
  }
  return 0;
}();

}  // namespace
}  // namespace tersor::kernels::updates
