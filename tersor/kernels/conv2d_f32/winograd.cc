// 3x3 convolutions of stride 1 by winograd_f32.
#include <vector>

#include "tersor/kernels/conv2d_f32/cost.h"
#include "tersor/kernels/conv2d_f32/makers.h"
#include "tersor/kernels/winograd_f32/winograd_f32.h"

namespace tersor::kernels::conv2d_f32 {
namespace {

winograd_f32::Layer LayerOf(const Geometry& g) {
  return {g.batch,     g.height,       g.width,   g.in_channels, g.out_height,
          g.out_width, g.out_channels, g.pad_top, g.pad_left};
}

/// Scratch: the packed filter and bias where they are not constant, then the workers' blocks.
class WinogradConv2d final : public Kernel {
 public:
  WinogradConv2d(const winograd_f32::Loops& loops, Convolution conv, int threads)
      : loops_(loops),
        layer_(LayerOf(conv.geometry)),
        epilogue_(std::move(conv.epilogue)),
        plan_(winograd_f32::PlanConvolution(loops, layer_, threads)),
        dynamic_padding_(conv.has_padding_value && conv.padding_value == nullptr),
        flipped_(conv.flipped),
        input_operand_(conv.input_operand),
        filter_operand_(conv.filter_operand),
        padding_(static_cast<size_t>(layer_.channels)) {
    if (conv.padding_value != nullptr) {
      padding_.assign(conv.padding_value, conv.padding_value + layer_.channels);
    }
    filter_floats_ = winograd_f32::FilterFloats(loops, layer_.channels, layer_.out_channels);
    if (conv.filter != nullptr) {
      packed_filter_.resize(static_cast<size_t>(filter_floats_));
      Pack(conv.filter, packed_filter_.data());
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
      Pack(call.operands[filter_operand_].as<float>(), scratch);
      u = scratch;
    }
    const Stages stages = epilogue_.Bind(call, scratch + filter_floats_);
    const float* padding =
        dynamic_padding_ ? call.operands[kPaddingValue].as<float>() : padding_.data();
    winograd_f32::RunConvolution(loops_, layer_, plan_, call.operands[input_operand_].as<float>(),
                                 padding, u, stages, call.results[0].as<float>(),
                                 scratch + filter_floats_ + epilogue_.scratch_floats(), *call.pool);
  }

 private:
  void Pack(const float* filter, float* u) const {
    const int64_t outputs = flipped_ ? layer_.channels : layer_.out_channels;
    const int64_t inputs = flipped_ ? layer_.out_channels : layer_.channels;
    loops_.transform_filter(filter, outputs, inputs, flipped_, u);
  }

  const winograd_f32::Loops& loops_;
  const winograd_f32::Layer layer_;
  const StagePlan epilogue_;
  const winograd_f32::ConvolutionPlan plan_;
  const bool dynamic_padding_, flipped_;
  const size_t input_operand_, filter_operand_;
  int64_t filter_floats_ = 0;  ///< of scratch; 0 where the filter is constant
  std::vector<float> packed_filter_;
  std::vector<float> padding_;
};

}  // namespace

std::unique_ptr<Kernel> MakeWinogradKernel(const winograd_f32::Loops& loops, Convolution conv,
                                           int threads) {
  return std::make_unique<WinogradConv2d>(loops, std::move(conv), threads);
}

std::unique_ptr<Kernel> MakeFasterWinogradKernel(const winograd_f32::Loops& loops, Convolution conv,
                                                 int threads) {
  if (!PrefersWinograd(conv.geometry, loops.lanes)) return nullptr;
  return MakeWinogradKernel(loops, std::move(conv), threads);
}

}  // namespace tersor::kernels::conv2d_f32
