// The formula of conv2d_f32.h, summed in double.
#include <algorithm>

#include "tersor/kernels/conv2d_f32/makers.h"
#include "tersor/kernels/simd/stages.h"

namespace tersor::kernels::conv2d_f32 {
namespace {

class ReferenceConv2d final : public Kernel {
 public:
  ReferenceConv2d(const Geometry& geometry, StagePlan epilogue)
      : g_(geometry), epilogue_(std::move(epilogue)) {}

  size_t scratch_bytes() const override {
    return static_cast<size_t>(epilogue_.scratch_floats()) * sizeof(float);
  }
  size_t packed_bytes() const override { return epilogue_.packed_bytes(); }

  void Run(const KernelCall& call) const override {
    const Stages stages = epilogue_.Bind(call, static_cast<float*>(call.scratch));
    float* output = call.results[0].as<float>();
    for (int64_t n = 0; n < g_.batch; ++n) {
      if (!stages.max_pool) {
        for (int64_t y = 0; y < g_.out_height; ++y) {
          for (int64_t x = 0; x < g_.out_width; ++x) {
            for (int64_t o = 0; o < g_.out_channels; ++o) {
              *output++ = Value(call, stages, n, y, x, o);
            }
          }
        }
        continue;
      }
      for (int64_t y = 0; y + 1 < g_.out_height; y += 2) {
        for (int64_t x = 0; x + 1 < g_.out_width; x += 2) {
          for (int64_t o = 0; o < g_.out_channels; ++o) {
            *output++ = std::max(
                std::max(Value(call, stages, n, y, x, o), Value(call, stages, n, y, x + 1, o)),
                std::max(Value(call, stages, n, y + 1, x, o),
                         Value(call, stages, n, y + 1, x + 1, o)));
          }
        }
      }
    }
  }

 private:
  float Value(const KernelCall& call, const Stages& stages, int64_t n, int64_t y, int64_t x,
              int64_t o) const {
    float value = static_cast<float>(Sum(call, n, y, x, o));
    const int64_t place = ((n * g_.out_height + y) * g_.out_width + x) * g_.out_channels + o;
    for (int s = 0; s < stages.count; ++s) {
      const Stage& stage = stages.stages[s];
      if (stage.scale != nullptr) value *= stage.scale[o];
      if (stage.shift != nullptr) value += stage.shift[o];
      if (stage.residual != nullptr) value += stage.residual[place];
      const ActivationBounds bounds = BoundsOf(stage.activation);
      value = std::clamp(value, bounds.low, bounds.high);
    }
    return value;
  }

  double Sum(const KernelCall& call, int64_t n, int64_t y, int64_t x, int64_t o) const {
    const float* input = call.operands[0].as<float>();
    const float* filter = call.operands[1].as<float>();
    const float* padding =
        call.operands.size() > kPaddingValue ? call.operands[kPaddingValue].as<float>() : nullptr;
    const int64_t first = o / g_.group_out() * g_.group_in();
    double sum = 0;
    for (int64_t kh = 0; kh < g_.kernel_h; ++kh) {
      const int64_t in_y = y * g_.stride_h + kh * g_.dilation_h - g_.pad_top;
      for (int64_t kw = 0; kw < g_.kernel_w; ++kw) {
        const int64_t in_x = x * g_.stride_w + kw * g_.dilation_w - g_.pad_left;
        const bool inside = in_y >= 0 && in_y < g_.height && in_x >= 0 && in_x < g_.width;
        const float* cell =
            inside ? input + ((n * g_.height + in_y) * g_.width + in_x) * g_.in_channels : padding;
        if (cell == nullptr) continue;
        const float* taps = filter + ((o * g_.kernel_h + kh) * g_.kernel_w + kw) * g_.group_in();
        for (int64_t i = 0; i < g_.group_in(); ++i) {
          sum += static_cast<double>(cell[first + i]) * taps[i];
        }
      }
    }
    return sum;
  }

  const Geometry g_;
  const StagePlan epilogue_;
};

}  // namespace

std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec) {
  auto conv = ParseSpec(spec);
  if (!conv.has_value()) return nullptr;
  return std::make_unique<ReferenceConv2d>(conv->geometry, std::move(conv->epilogue));
}

}  // namespace tersor::kernels::conv2d_f32
