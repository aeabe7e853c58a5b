#include "tersor/kernels/batch_norm/batch_norm.h"
#include "tersor/kernels/kernel_benchmark.h"

namespace tersor::kernels::batch_norm {
namespace {

using testing::OperatorCase;
using testing::RandomValues;

const int kRegistered = [] {
  for (const Shape& shape : {Shape{64, 32, 32, 32}, Shape{64, 16, 16, 64}, Shape{64, 16, 16, 6},
                             Shape{64, 8, 8, 13}, Shape{64, 16, 16, 51}}) {
    const int64_t channels = shape.dims().back();
    const auto data = [=](OperatorCase& c) {
      c.Operand(shape, RandomValues<float>(shape.num_elements(), 1));
    };
    const auto vectors = [=](OperatorCase& c, int count) {
      for (int i = 0; i < count; ++i) c.Operand({channels}, std::vector<float>(channels, 0.5f));
    };
    const auto bytes = 4.0 * static_cast<double>(shape.num_elements());
    testing::RegisterRows(
        "norm_" + shape.ToString(), BatchNormRows(),
        [=] {
          OperatorCase c;
          data(c);
          vectors(c, 4);
          c.Result(shape);
          return c;
        },
        0, 2 * bytes);
    testing::RegisterRows(
        "moments_" + shape.ToString(), BatchNormMomentsRows(),
        [=] {
          OperatorCase c;
          data(c);
          c.Result({3, channels});
          return c;
        },
        0, bytes);
    testing::RegisterRows(
        "grad_sums_" + shape.ToString(), BatchNormGradSumsRows(),
        [=] {
          OperatorCase c;
          data(c);
          data(c);
          vectors(c, 2);
          c.Result({2, channels});
          return c;
        },
        0, 2 * bytes);
    testing::RegisterRows(
        "grad_" + shape.ToString(), BatchNormGradRows(),
        [=] {
          OperatorCase c;
          data(c);
          data(c);
          vectors(c, 3);
          c.Operand({2, channels}, std::vector<float>(2 * channels, 0.5f));
          c.Operand(Shape{}, std::vector<float>{65536}).Result(shape);
          return c;
        },
        0, 3 * bytes);
  }
  return 0;
}();

}  // namespace
}  // namespace tersor::kernels::batch_norm
