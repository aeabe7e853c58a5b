// 3x3 convolutions of stride 1 by winograd_f32.
#include <vector>

#include "tersor/kernels/conv2d_f32/cost.h"
#include "tersor/kernels/conv2d_f32/makers.h"
#include "tersor/kernels/winograd_f32/winograd_f32.h"

namespace tersor::kernels::conv2d_f32 {
namespace {

using winograd_f32::Simd;

winograd_f32::Layer LayerOf(const Geometry& g) {
  return {g.batch,     g.height,       g.width,   g.in_channels, g.out_height,
          g.out_width, g.out_channels, g.pad_top, g.pad_left};
}

/// Scratch: the packed filter and bias where they are not constant, then the workers' blocks.
class WinogradConv2d final : public Kernel {
 public:
  WinogradConv2d(const Simd& simd, ParsedSpec spec, int threads)
      : simd_(simd),
        layer_(LayerOf(spec.geometry)),
        epilogue_(std::move(spec.epilogue)),
        plan_(winograd_f32::PlanConvolution(simd, layer_, threads)),
        dynamic_padding_(spec.has_padding_value && spec.padding_value == nullptr),
        padding_(static_cast<size_t>(layer_.channels)) {
    if (spec.padding_value != nullptr) {
      padding_.assign(spec.padding_value, spec.padding_value + layer_.channels);
    }
    filter_floats_ = winograd_f32::FilterFloats(simd, layer_.channels, layer_.out_channels);
    if (spec.filter != nullptr) {
      packed_filter_.resize(static_cast<size_t>(filter_floats_));
      simd.transform_filter(spec.filter, layer_.out_channels, layer_.channels, false,
                            packed_filter_.data());
      filter_floats_ = 0;
    }
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(filter_floats_ + epilogue_.scratch_floats()) * sizeof(float) +
           plan_.scratch_bytes;
  }
  size_t packed_bytes() const override {
    return packed_filter_.size() * sizeof(float) + epilogue_.packed_bytes();
  }

  void Run(const KernelCall& call) const override {
    float* scratch = static_cast<float*>(call.scratch);
    const float* u = packed_filter_.data();
    if (filter_floats_ > 0) {
      simd_.transform_filter(call.operands[kFilter].as<float>(), layer_.out_channels,
                             layer_.channels, false, scratch);
      u = scratch;
    }
    const winograd_f32::Stages stages = epilogue_.Bind(call, scratch + filter_floats_);
    const float* padding =
        dynamic_padding_ ? call.operands[kPaddingValue].as<float>() : padding_.data();
    winograd_f32::RunConvolution(simd_, layer_, plan_, call.operands[kInput].as<float>(), padding,
                                 u, stages, call.results[0].as<float>(),
                                 scratch + filter_floats_ + epilogue_.scratch_floats(), *call.pool);
  }

 private:
  const Simd& simd_;
  const winograd_f32::Layer layer_;
  const EpiloguePlan epilogue_;
  const winograd_f32::ConvolutionPlan plan_;
  const bool dynamic_padding_;
  int64_t filter_floats_ = 0;  ///< of scratch; 0 where the filter is constant
  std::vector<float> packed_filter_;
  std::vector<float> padding_;
};

std::unique_ptr<Kernel> MakeWinograd(const KernelSpec& spec, const Simd& simd) {
  auto parsed = ParseSpec(spec);
  if (!parsed.has_value() || !PrefersWinograd(parsed->geometry, simd.width)) return nullptr;
  return std::make_unique<WinogradConv2d>(simd, std::move(*parsed), spec.threads);
}

}  // namespace

#if defined(__x86_64__)
std::unique_ptr<Kernel> MakeAvx2Winograd(const KernelSpec& spec) {
  return MakeWinograd(spec, winograd_f32::kAvx2Simd);
}
std::unique_ptr<Kernel> MakeAvx512Winograd(const KernelSpec& spec) {
  return MakeWinograd(spec, winograd_f32::kAvx512Simd);
}
#endif

}  // namespace tersor::kernels::conv2d_f32
