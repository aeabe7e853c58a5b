// The formula of conv2d_grad_filter_f32.h, summed in double.
#include "tersor/kernels/conv2d_grad_filter_f32/makers.h"

namespace tersor::kernels::conv2d_grad_filter_f32 {
namespace {

class ReferenceGradFilter final : public Kernel {
 public:
  explicit ReferenceGradFilter(const Geometry& geometry) : g_(geometry) {}

  void Run(const KernelCall& call) const override {
    float* result = call.results[0].as<float>();
    for (int64_t o = 0; o < g_.out_channels; ++o) {
      for (int64_t kh = 0; kh < g_.kernel_h; ++kh) {
        for (int64_t kw = 0; kw < g_.kernel_w; ++kw) {
          for (int64_t i = 0; i < g_.group_in(); ++i) {
            *result++ = static_cast<float>(Sum(call, o, kh, kw, i));
          }
        }
      }
    }
  }

 private:
  double Sum(const KernelCall& call, int64_t o, int64_t kh, int64_t kw, int64_t i) const {
    const float* input = call.operands[kInput].as<float>();
    const float* gradient = call.operands[kGradient].as<float>();
    const float* padding = PaddingValueOf(call);
    const int64_t channel = o / g_.group_out() * g_.group_in() + i;
    double sum = 0;
    for (int64_t n = 0; n < g_.batch; ++n) {
      for (int64_t oy = 0; oy < g_.out_height; ++oy) {
        const int64_t y = oy * g_.stride_h + kh * g_.dilation_h - g_.pad_top;
        for (int64_t ox = 0; ox < g_.out_width; ++ox) {
          const int64_t x = ox * g_.stride_w + kw * g_.dilation_w - g_.pad_left;
          const bool inside = y >= 0 && y < g_.height && x >= 0 && x < g_.width;
          if (!inside && padding == nullptr) continue;
          const double value =
              inside ? input[((n * g_.height + y) * g_.width + x) * g_.in_channels + channel]
                     : padding[channel];
          const int64_t cell = (n * g_.out_height + oy) * g_.out_width + ox;
          sum += value * gradient[cell * g_.out_channels + o];
        }
      }
    }
    return sum;
  }

  const Geometry g_;
};

}  // namespace

std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec) {
  const auto geometry = ForwardGeometry(spec);
  if (!geometry.has_value()) return nullptr;
  return std::make_unique<ReferenceGradFilter>(*geometry);
}

}  // namespace tersor::kernels::conv2d_grad_filter_f32
