#include "tersor/kernels/kernel_benchmark.h"
#include "tersor/kernels/matmul_f32/matmul_f32.h"

namespace tersor::kernels::matmul_f32 {
namespace {

const int kRegistered = [] {
  struct {
    const char* name;
    int64_t m, n, k;
    bool transpose_lhs, transpose_rhs;
  } const cases[] = {
      {"input_gradient_64x2048x512", 64, 2048, 512, false, false},
      {"filter_gradient_512x2048x64", 512, 2048, 64, true, false},
      {"input_gradient_64x208x51", 64, 208, 51, false, false},
      {"filter_gradient_51x208x64", 51, 208, 64, true, false},
      {"filter_gradient_10x512x64", 10, 512, 64, true, false},
      {"square_512", 512, 512, 512, false, false},
  };
  for (const auto& [name, m, n, k, transpose_lhs, transpose_rhs] : cases) {
    const auto make = [m = m, n = n, k = k, tl = transpose_lhs, tr = transpose_rhs] {
      testing::OperatorCase c;
      c.Operand(tl ? Shape{k, m} : Shape{m, k}, testing::RandomValues<float>(m * k, 1));
      c.Operand(tr ? Shape{n, k} : Shape{k, n}, testing::RandomValues<float>(k * n, 2));
      c.Result({m, n});
      c.attributes.Set(Attr::transpose_lhs, tl).Set(Attr::transpose_rhs, tr);
      return c;
    };
    testing::RegisterRows(name, Rows(), make, 2.0 * static_cast<double>(m * n * k), 0);
  }
  return 0;
}();

}  // namespace
}  // namespace tersor::kernels::matmul_f32
