// The filter gradient of 3x3 convolutions of stride 1, summed in the domain of winograd_f32.
#include <algorithm>

#include "tersor/kernels/conv2d_f32/cost.h"
#include "tersor/kernels/conv2d_grad_filter_f32/makers.h"
#include "tersor/kernels/winograd_f32/winograd_f32.h"

namespace tersor::kernels::conv2d_grad_filter_f32 {
namespace {

using winograd_f32::GradientLoops;
using winograd_f32::kPoints;
using winograd_f32::PointMatrix;
using winograd_f32::RoundUp;

// A block's transformed input and gradient should stay in the second-level cache, but each block
// also goes once through the whole sum, so it is not worth less than so many tiles.
constexpr int64_t kBlockBytes = 256 * 1024;
constexpr int64_t kFewestBlockTiles = 32;
constexpr int64_t kMostBlockTiles = 128;
constexpr int64_t kSkew = 16;  // see winograd_f32.cc

/// Scratch: padding, zeros, the sum dU, then a block's transformed input and gradient.
class WinogradGradFilter final : public Kernel {
 public:
  WinogradGradFilter(const GradientLoops& loops, const Geometry& g)
      : loops_(loops), layer_{g.batch,     g.height,       g.width,   g.in_channels, g.out_height,
                              g.out_width, g.out_channels, g.pad_top, g.pad_left} {
    v_row_ = RoundUp(layer_.channels, loops.forward.lanes);
    m_row_ = RoundUp(layer_.out_channels, loops.forward.lanes);
    transposed_ = layer_.channels * m_row_ < layer_.out_channels * v_row_;
    sum_floats_ = kPoints * (transposed_ ? layer_.channels * m_row_ : layer_.out_channels * v_row_);
    const int64_t tile_bytes = kPoints * (v_row_ + m_row_) * static_cast<int64_t>(sizeof(float));
    const int64_t most = std::clamp(kBlockBytes / tile_bytes, kFewestBlockTiles, kMostBlockTiles);
    const int64_t blocks = (layer_.tiles() + most - 1) / most;
    block_tiles_ = (layer_.tiles() + blocks - 1) / blocks;
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(v_row_ + m_row_ + RoundUp(sum_floats_, 16) +
                               kPoints * (v_point() + m_point())) *
           sizeof(float);
  }

  void Run(const KernelCall& call) const override {
    float* padding = static_cast<float*>(call.scratch);
    float* zeros = padding + v_row_;
    float* sum = zeros + m_row_;
    const PointMatrix v = {sum + RoundUp(sum_floats_, 16), v_point(), v_row_};
    const PointMatrix dm = {v.data + kPoints * v.point, m_point(), m_row_};
    std::fill(padding, sum, 0.0f);
    if (const float* value = PaddingValueOf(call)) std::copy_n(value, layer_.channels, padding);
    const float* input = call.operands[kInput].as<float>();
    const float* gradient = call.operands[kGradient].as<float>();
    for (int64_t tile = 0; tile < layer_.tiles(); tile += block_tiles_) {
      const int64_t count = std::min(block_tiles_, layer_.tiles() - tile);
      loops_.forward.transform_input(layer_, input, padding, tile, count, v);
      loops_.transform_gradient(layer_, gradient, zeros, tile, count, dm);
      if (transposed_) {
        loops_.accumulate(v, dm, count, layer_.channels, layer_.out_channels, tile == 0, sum);
      } else {
        loops_.accumulate(dm, v, count, layer_.out_channels, layer_.channels, tile == 0, sum);
      }
    }
    loops_.finish_filter_gradient(sum, layer_.out_channels, layer_.channels, transposed_,
                                  call.results[0].as<float>());
  }

 private:
  int64_t v_point() const { return block_tiles_ * v_row_ + kSkew; }
  int64_t m_point() const { return block_tiles_ * m_row_ + kSkew; }

  const GradientLoops& loops_;
  const winograd_f32::Layer layer_;
  int64_t v_row_, m_row_;
  bool transposed_;  ///< the sum's rows are input channels: fewer columns are wasted that way
  int64_t sum_floats_, block_tiles_;
};

}  // namespace

std::unique_ptr<Kernel> MakeWinograd(const KernelSpec& spec, const GradientLoops& loops) {
  const auto geometry = ForwardGeometry(spec);
  if (!geometry.has_value() ||
      !conv2d_f32::PrefersWinogradGradFilter(*geometry, loops.forward.lanes)) {
    return nullptr;
  }
  return std::make_unique<WinogradGradFilter>(loops, *geometry);
}

}  // namespace tersor::kernels::conv2d_grad_filter_f32
