#include "tersor/kernels/dropout/dropout.h"
#include "tersor/kernels/kernel_benchmark.h"

namespace tersor::kernels::dropout {
namespace {

const int kRegistered = [] {
  for (const int64_t elements : {512, 2048}) {
    testing::RegisterRows(
        StrCat("dropout_64x", elements), Rows(),
        [elements] {
          testing::OperatorCase c;
          c.Operand({64, elements}, testing::RandomValues<float>(64 * elements, 1));
          c.Operand(Shape{}, std::vector<int64_t>{1}).Result({64, elements});
          c.attributes.Set(Attr::rate, 0.5);
          return c;
        },
        0, 8.0 * 64 * static_cast<double>(elements));
  }
  return 0;
}();

}  // namespace
}  // namespace tersor::kernels::dropout
