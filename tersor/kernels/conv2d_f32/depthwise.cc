// One input and one output channel a group: vectors run along the channels.

#include "tersor/kernels/conv2d_f32/row_convolution.h"

namespace tersor::kernels::conv2d_f32 {
namespace {

using winograd_f32::RoundUp;

class DepthwiseConv2d final : public RowConvolution {
 public:
  DepthwiseConv2d(const Loops& loops, Convolution conv, int threads)
      : RowConvolution(conv, Taps(conv.geometry) * WeightsStep(loops, conv.geometry),
                       loops.pool_rows, threads),
        loops_(loops),
        weights_step_(WeightsStep(loops, conv.geometry)) {
    PackConstantFilter();
  }

 private:
  static int64_t Taps(const Geometry& g) { return g.kernel_h * g.kernel_w; }
  static int64_t WeightsStep(const Loops& loops, const Geometry& g) {
    return RoundUp(g.in_channels, loops.lanes);
  }

  void Pack(const float* filter, float* packed) const override {
    const int64_t taps = Taps(geometry()), channels = geometry().in_channels;
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t from = flipped() ? taps - 1 - tap : tap;
      for (int64_t c = 0; c < weights_step_; ++c) {
        packed[tap * weights_step_ + c] = c < channels ? filter[c * taps + from] : 0.0f;
      }
    }
  }

  void RunRow(const float* const* rows, int64_t first_pixel, int64_t pixels, const float* weights,
              const Stages& stages, float* output) const override {
    const Geometry& g = geometry();
    loops_.depthwise_row({.rows = rows,
                          .kernel_h = g.kernel_h,
                          .kernel_w = g.kernel_w,
                          .tap_step = g.dilation_w * g.in_channels,
                          .pixel_step = g.stride_w * g.in_channels,
                          .pixels = pixels,
                          .channels = g.in_channels,
                          .weights = weights,
                          .weights_step = weights_step_,
                          .stages = &stages,
                          .place = first_pixel * g.in_channels,
                          .output = output});
  }

  const Loops& loops_;
  const int64_t weights_step_;
};

}  // namespace

std::unique_ptr<Kernel> MakeDepthwiseKernel(const Loops& loops, Convolution conv, int threads) {
  const Geometry& g = conv.geometry;
  if (g.groups == 1 || g.groups != g.in_channels || g.groups != g.out_channels) return nullptr;
  return std::make_unique<DepthwiseConv2d>(loops, std::move(conv), threads);
}

}  // namespace tersor::kernels::conv2d_f32
