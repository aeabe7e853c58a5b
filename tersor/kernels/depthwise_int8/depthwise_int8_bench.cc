// Batch 1 on depthwise layers of small mobile models.
#include "tersor/kernels/conv2d_int8/int8_benchmark.h"
#include "tersor/kernels/depthwise_int8/depthwise_int8.h"

namespace tersor::kernels::depthwise_int8 {
namespace {

struct Layer {
  int64_t size, channels, kernel, stride;
};

constexpr Layer kLayers[] = {{48, 8, 3, 1},  {48, 16, 3, 2},  {24, 32, 3, 1},  {12, 64, 3, 1},
                             {6, 128, 3, 1}, {112, 32, 3, 1}, {56, 128, 3, 2}, {14, 256, 5, 1}};

testing::Int8Layer Make(const Layer& l) {
  Random random(1, 1);
  testing::Int8Layer layer;
  layer.operands.push_back(testing::RandomIntegers<int8_t>(
      {DType::kI8, {1, l.size, l.size, l.channels}, testing::PerTensor(0.05f, -5)}, random, -128,
      127));
  layer.operands.push_back(testing::RandomIntegers<int8_t>(
      {DType::kI8, {l.channels, l.kernel, l.kernel, 1}, testing::PerTensor(0.01f, 0)}, random, -127,
      127));
  layer.operands.push_back(
      testing::RandomIntegers<int32_t>({DType::kI32, {l.channels}, {}}, random, -2000, 2000));
  layer.operands.emplace_back();
  layer.attributes.Set(Attr::padding, Padding{Padding::Kind::kSame});
  layer.attributes.Set(Attr::strides, std::vector<int64_t>{l.stride, l.stride});
  layer.attributes.Set(Attr::groups, l.channels);
  layer.attributes.Set(Attr::activation, Activation::kRelu);
  layer.result = {DType::kI8,
                  {1, l.size / l.stride, l.size / l.stride, l.channels},
                  testing::PerTensor(0.1f, -128)};
  return layer;
}

const int kRegistered = [] {
  for (const Layer& l : kLayers) {
    const double out = static_cast<double>(l.size / l.stride);
    testing::RegisterInt8(
        StrCat("depthwise_int8/", l.size, 'x', l.size, 'x', l.channels, "/k", l.kernel, "/s",
               l.stride),
        Rows(), [l] { return Make(l); },
        out * out * static_cast<double>(l.channels * l.kernel * l.kernel));
  }
  return 0;
}();

}  // namespace
}  // namespace tersor::kernels::depthwise_int8
