// Any convolution, register blocks of pixels times channels.
#include "tersor/kernels/conv2d_f32/direct.h"

#include "tersor/kernels/conv2d_f32/row_convolution.h"

namespace tersor::kernels::conv2d_f32 {
namespace {

using winograd_f32::RoundUp;

class DirectConv2d final : public RowConvolution {
 public:
  DirectConv2d(const Loops& loops, Convolution conv, int threads)
      : RowConvolution(conv, DirectFilterFloats(conv.geometry, loops.lanes), loops.pool_rows,
                       threads),
        loops_(loops) {
    PackConstantFilter();
  }

 private:
  void Pack(const float* filter, float* packed) const override {
    PackDirectFilter(geometry(), loops_.lanes, filter, flipped(), packed);
  }

  void RunRow(const float* const* rows, int64_t first_pixel, int64_t pixels, const float* weights,
              const Stages& stages, float* output) const override {
    const Geometry& g = geometry();
    const bool one_run = g.groups == 1 && (g.dilation_w == 1 || g.kernel_w == 1);
    DirectRow row;
    row.rows = rows;
    row.kernel_h = g.kernel_h;
    row.runs = one_run ? 1 : g.kernel_w;
    row.run_stride = g.dilation_w * g.in_channels;
    row.run_length = one_run ? g.kernel_w * g.in_channels : g.group_in();
    row.pixel_step = g.stride_w * g.in_channels;
    row.pixels = pixels;
    row.columns = g.group_out();
    row.stages = &stages;
    row.place = first_pixel * g.out_channels;
    row.place_step = row.output_step = g.out_channels;
    const int64_t group_floats = DirectFilterFloats(g, loops_.lanes) / g.groups;
    for (int64_t group = 0; group < g.groups; ++group) {
      row.row_offset = group * g.group_in();
      row.weights = weights + group * group_floats;
      row.channel = group * g.group_out();
      row.output = output + row.channel;
      loops_.row(row);
    }
  }

  const Loops& loops_;
};

}  // namespace

std::unique_ptr<Kernel> MakeDirectKernel(const Loops& loops, Convolution conv, int threads) {
  return std::make_unique<DirectConv2d>(loops, std::move(conv), threads);
}

int64_t DirectFilterFloats(const Geometry& g, int width) {
  return g.groups * g.kernel_h * g.kernel_w * g.group_in() * RoundUp(g.group_out(), width);
}

void PackDirectFilter(const Geometry& g, int width, const float* filter, bool flipped,
                      float* packed) {
  const int64_t taps = g.kernel_h * g.kernel_w, in = g.group_in(), out = g.group_out();
  for (int64_t group = 0; group < g.groups; ++group) {
    for (int64_t column = 0; column < out; column += 2 * width) {
      const int64_t columns = out - column > width ? 2 * width : width;
      for (int64_t tap = 0; tap < taps; ++tap) {
        for (int64_t i = 0; i < in; ++i) {
          for (int64_t c = 0; c < columns; ++c) {
            const int64_t o = column + c;
            const int64_t place = flipped ? ((group * in + i) * taps + taps - 1 - tap) * out + o
                                          : ((group * out + o) * taps + tap) * in + i;
            *packed++ = o < out ? filter[place] : 0.0f;
          }
        }
      }
    }
  }
}

}  // namespace tersor::kernels::conv2d_f32
