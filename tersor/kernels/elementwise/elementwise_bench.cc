#include "tersor/kernels/elementwise/elementwise.h"
#include "tersor/kernels/kernel_benchmark.h"

namespace tersor::kernels::elementwise {
namespace {

using testing::OperatorCase;
using testing::RandomValues;

constexpr int64_t kElements = 32 * 32 * 32;

TensorType Quantized(Shape shape) {
  return {DType::kI8, std::move(shape), Quantization{{0.05f}, {-3}, -1}};
}

OperatorCase Image8(bool channels) {
  OperatorCase c;
  c.Operand(Quantized({1, 32, 32, 32}), RandomValues<int8_t>(kElements, 1));
  if (channels) {
    c.Constant(Quantized({32}), RandomValues<int8_t>(32, 2));
  } else {
    c.Operand(Quantized({1, 32, 32, 32}), RandomValues<int8_t>(kElements, 2));
  }
  c.Result(Quantized({1, 32, 32, 32}));
  c.attributes.Set(Attr::activation, Activation::kRelu);
  return c;
}

OperatorCase ImageF32(bool channels) {
  OperatorCase c;
  c.Operand(Shape{1, 32, 32, 32}, RandomValues<float>(kElements, 1));
  if (channels) {
    c.Constant(Shape{32}, RandomValues<float>(32, 2));
  } else {
    c.Operand(Shape{1, 32, 32, 32}, RandomValues<float>(kElements, 2));
  }
  c.Result({1, 32, 32, 32});
  return c;
}

[[maybe_unused]] const bool kRegistered = [] {
  for (const bool channels : {true, false}) {
    const std::string suffix = channels ? "_channels" : "_same";
    const double bytes = kElements * (channels ? 2.0 : 3.0);
    const struct {
      const char* name;
      KernelRows rows;
    } operators[] = {{"add", AddRows}, {"multiply", MultiplyRows}};
    for (const auto& [name, rows] : operators) {
      testing::RegisterRows(
          std::string(name) + "_i8" + suffix, rows(), [channels] { return Image8(channels); }, 0,
          bytes);
      testing::RegisterRows(
          std::string(name) + "_f32" + suffix, rows(), [channels] { return ImageF32(channels); }, 0,
          4 * bytes);
    }
  }
  return true;
}();

}  // namespace
}  // namespace tersor::kernels::elementwise
