// The rows on a training shard's layers. GFLOP/s count a direct convolution's operations.
#include "tersor/kernels/conv2d_f32/gradient_testing.h"
#include "tersor/kernels/conv2d_grad_filter_f32/conv2d_grad_filter_f32.h"
#include "tersor/kernels/kernel_benchmark.h"

namespace tersor::kernels::conv2d_grad_filter_f32 {
namespace {

const bool kRegistered = [] {
  for (const testing::ConvolutionShape& shape : testing::kTrainingShapes) {
    testing::RegisterRows(
        StrCat("conv2d_grad_filter_f32/", shape.name), Rows().first(Rows().size() - 1),
        [&shape] {
          testing::OperatorCase c;
          shape.SetAttributes(c.attributes);
          c.attributes.Set(Attr::filter_shape, shape.Filter().shape.dims());
          c.Operand(shape.Input(),
                    testing::RandomValues<float>(shape.Input().shape.num_elements(), 1));
          c.Operand(shape.Output(),
                    testing::RandomValues<float>(shape.Output().shape.num_elements(), 2));
          c.Absent().Result(shape.Filter());
          return c;
        },
        2 * shape.products(), 0);
  }
  return true;
}();

}  // namespace
}  // namespace tersor::kernels::conv2d_grad_filter_f32
