// Batch 1 on the layers of small image models, and a batch.
#include "tersor/kernels/conv2d_int8/int8_benchmark.h"
#include "tersor/kernels/fully_connected_int8/fully_connected_int8.h"

namespace tersor::kernels::fully_connected_int8 {
namespace {

struct Layer {
  int64_t n, in, out;
};

constexpr Layer kLayers[] = {{1, 96, 26},  {1, 208, 51}, {1, 512, 128},  {1, 1024, 256},
                             {1, 256, 10}, {1, 64, 10},  {64, 1024, 256}};

testing::Int8Layer Make(const Layer& l) {
  Random random(1, 1);
  testing::Int8Layer layer;
  layer.operands.push_back(testing::RandomIntegers<int8_t>(
      {DType::kI8, {l.n, l.in}, testing::PerTensor(0.05f, -5)}, random, -128, 127));
  layer.operands.push_back(testing::RandomIntegers<int8_t>(
      {DType::kI8, {l.out, l.in}, testing::PerTensor(0.01f, 0)}, random, -127, 127));
  layer.operands.push_back(
      testing::RandomIntegers<int32_t>({DType::kI32, {l.out}, {}}, random, -20000, 20000));
  layer.attributes.Set(Attr::activation, Activation::kRelu);
  layer.result = {DType::kI8, {l.n, l.out}, testing::PerTensor(0.5f, -128)};
  return layer;
}

const int kRegistered = [] {
  for (const Layer& l : kLayers) {
    testing::RegisterInt8(
        StrCat("fully_connected_int8/", l.n, 'x', l.in, "/o", l.out), Rows(),
        [l] { return Make(l); }, static_cast<double>(l.n * l.in * l.out));
  }
  return 0;
}();

}  // namespace
}  // namespace tersor::kernels::fully_connected_int8
