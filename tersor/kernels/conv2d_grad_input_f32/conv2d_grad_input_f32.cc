#include "tersor/kernels/conv2d_grad_input_f32/conv2d_grad_input_f32.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "tersor/kernels/conv2d_f32/cost.h"
#include "tersor/kernels/conv2d_f32/makers.h"
#include "tersor/kernels/conv2d_grad_input_f32/makers.h"

namespace tersor::kernels::conv2d_grad_input_f32 {
namespace {

using conv2d_f32::Convolution;

/// The formula of the header, summed in double.
class ReferenceGradInput final : public Kernel {
 public:
  explicit ReferenceGradInput(const Geometry& geometry) : g_(geometry) {}

  void Run(const KernelCall& call) const override {
    const float* filter = call.operands[kFilter].as<float>();
    const float* gradient = call.operands[kGradient].as<float>();
    float* result = call.results[0].as<float>();
    for (int64_t n = 0; n < g_.batch; ++n) {
      const float* example = gradient + n * g_.out_height * g_.out_width * g_.out_channels;
      for (int64_t y = 0; y < g_.height; ++y) {
        for (int64_t x = 0; x < g_.width; ++x) {
          for (int64_t i = 0; i < g_.in_channels; ++i) {
            *result++ = static_cast<float>(Sum(filter, example, y, x, i));
          }
        }
      }
    }
  }

 private:
  double Sum(const float* filter, const float* example, int64_t y, int64_t x, int64_t i) const {
    const int64_t first = i / g_.group_in() * g_.group_out();
    double sum = 0;
    for (int64_t kh = 0; kh < g_.kernel_h; ++kh) {
      const int64_t below = y + g_.pad_top - kh * g_.dilation_h;
      if (below < 0 || below % g_.stride_h != 0 || below / g_.stride_h >= g_.out_height) continue;
      for (int64_t kw = 0; kw < g_.kernel_w; ++kw) {
        const int64_t right = x + g_.pad_left - kw * g_.dilation_w;
        if (right < 0 || right % g_.stride_w != 0 || right / g_.stride_w >= g_.out_width) continue;
        const float* cell =
            example + (below / g_.stride_h * g_.out_width + right / g_.stride_w) * g_.out_channels;
        for (int64_t o = first; o < first + g_.group_out(); ++o) {
          const int64_t tap = (o * g_.kernel_h + kh) * g_.kernel_w + kw;
          sum += static_cast<double>(cell[o]) * filter[tap * g_.group_in() + i % g_.group_in()];
        }
      }
    }
    return sum;
  }

  const Geometry g_;
};

/// The convolution that carries the gradient back; nothing where it is not one of stride 1 with
/// padding of zero or more.
std::optional<Convolution> BackwardConvolution(const KernelSpec& spec) {
  const auto forward = ForwardGeometry(spec);
  if (!forward.has_value() || forward->stride_h != 1 || forward->stride_w != 1) {
    return std::nullopt;
  }
  Convolution conv;
  conv.geometry = *forward;
  Geometry& g = conv.geometry;
  std::swap(g.height, g.out_height);
  std::swap(g.width, g.out_width);
  std::swap(g.in_channels, g.out_channels);
  g.pad_top = (g.kernel_h - 1) * g.dilation_h - g.pad_top;
  g.pad_left = (g.kernel_w - 1) * g.dilation_w - g.pad_left;
  if (g.pad_top < 0 || g.pad_left < 0) return std::nullopt;
  conv.filter = spec.operands[kFilter].as<float>();
  conv.input_operand = kGradient;
  conv.filter_operand = kFilter;
  conv.flipped = true;
  return conv;
}

using Makers = conv2d_f32::Ways<BackwardConvolution>;

std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec) {
  const auto geometry = ForwardGeometry(spec);
  if (!geometry.has_value()) return nullptr;
  return std::make_unique<ReferenceGradInput>(*geometry);
}

}  // namespace

std::span<const KernelRow> Rows() {
  static constexpr KernelRow kRows[] = {
#define KERNEL(name, level, maker) {"conv2d_grad_input_f32", #name, CpuLevel::level, maker},
#include "tersor/kernels/conv2d_grad_input_f32/kernels.inc"
#undef KERNEL
  };
  return kRows;
}

std::optional<Geometry> ForwardGeometry(const KernelSpec& spec) {
  if (!conv2d_f32::HasOperand(spec, kFilter) || !conv2d_f32::HasOperand(spec, kGradient) ||
      spec.results.empty() || !spec.epilogue.empty()) {
    return std::nullopt;
  }
  return conv2d_f32::GeometryOf(spec.results[0], *spec.operands[kFilter].type,
                                *spec.operands[kGradient].type, *spec.attributes);
}

}  // namespace tersor::kernels::conv2d_grad_input_f32
