// Batch 1 on the layers of small image models. `of_peak`: products of the direct sum per second,
// over those that this core's 16-bit pair products could do (so winograd can pass 1).
#include <benchmark/benchmark.h>

#include "tersor/kernels/conv2d_int8/conv2d_int8.h"
#include "tersor/kernels/conv2d_int8/int8_benchmark.h"

namespace tersor::kernels::conv2d_int8 {
namespace {

struct Layer {
  int64_t size, in, out, kernel, stride;
  const char* links;
};

constexpr Layer kLayers[] = {
    {32, 3, 32, 3, 1, "ma"},   {32, 32, 32, 3, 1, "map"}, {32, 32, 32, 3, 1, "ma"},
    {16, 32, 3, 3, 1, "ma"},   {16, 32, 6, 3, 1, "ma"},   {16, 32, 16, 3, 1, "ma"},
    {16, 32, 32, 3, 1, "ma"},  {16, 3, 3, 3, 1, "map"},   {16, 6, 6, 3, 1, "map"},
    {16, 16, 16, 3, 1, "map"}, {16, 32, 32, 3, 1, "map"}, {8, 6, 13, 3, 1, "ma"},
    {8, 13, 13, 3, 1, "map"},  {8, 16, 32, 3, 1, "ma"},   {8, 32, 64, 3, 1, "ma"},
    {8, 64, 64, 3, 1, "map"},  {32, 3, 16, 3, 1, ""},     {32, 16, 16, 3, 1, ""},
    {32, 16, 16, 3, 1, "r"},   {32, 16, 32, 3, 2, ""},    {32, 16, 32, 1, 2, ""},
    {16, 32, 32, 3, 1, "r"},   {16, 32, 64, 3, 2, ""},    {16, 32, 64, 1, 2, ""},
    {8, 64, 64, 3, 1, "r"},
};

testing::Int8Layer Make(const Layer& l) {
  Random random(1, 1);
  testing::Int8Layer layer;
  layer.operands.push_back(testing::RandomIntegers<int8_t>(
      {DType::kI8, {1, l.size, l.size, l.in}, testing::PerTensor(0.05f, -5)}, random, -128, 127));
  layer.operands.push_back(testing::RandomIntegers<int8_t>(
      {DType::kI8, {l.out, l.kernel, l.kernel, l.in}, testing::PerTensor(0.01f, 0)}, random, -90,
      90));
  layer.operands.push_back(
      testing::RandomIntegers<int32_t>({DType::kI32, {l.out}, {}}, random, -20000, 20000));
  layer.operands.emplace_back();
  layer.attributes.Set(Attr::padding, Padding{Padding::Kind::kSame});
  layer.attributes.Set(Attr::strides, std::vector<int64_t>{l.stride, l.stride});
  layer.attributes.Set(Attr::activation, Activation::kRelu);
  layer.result = {
      DType::kI8, {1, l.size / l.stride, l.size / l.stride, l.out}, testing::PerTensor(0.5f, -128)};
  testing::AddLinks(layer, l.links, random);
  return layer;
}

const int kRegistered = [] {
  for (const Layer& l : kLayers) {
    const double products = static_cast<double>(l.size / l.stride) * (l.size / l.stride) * l.out *
                            l.kernel * l.kernel * l.in;
    testing::RegisterInt8(
        StrCat("conv2d_int8/", l.size, "x", l.size, 'x', l.in, "/o", l.out, "/k", l.kernel, "/s",
               l.stride, "/", *l.links ? l.links : "plain"),
        Rows(), [l] { return Make(l); }, products);
  }
  return 0;
}();

}  // namespace
}  // namespace tersor::kernels::conv2d_int8
