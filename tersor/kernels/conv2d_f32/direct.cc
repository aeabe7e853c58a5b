// Any convolution, output row by output row, register blocks of pixels times channels.
#include "tersor/kernels/conv2d_f32/direct.h"

#include <algorithm>
#include <vector>

#include "tersor/base/thread_pool.h"
#include "tersor/kernels/conv2d_f32/makers.h"
#include "tersor/kernels/winograd_f32/winograd_f32.h"

namespace tersor::kernels::conv2d_f32 {
namespace {

using winograd_f32::RoundUp;
using winograd_f32::Stages;

// Below this many multiply-adds a second thread costs more than it saves.
constexpr int64_t kFewestProductsToSplit = 400'000;
// Pixels of a row where the image is a list of cells (1x1 filters).
constexpr int64_t kListRow = 48;

/// The geometry to walk: a convolution that looks at single cells has no rows, so its cells are put
/// into rows of a good length. The last row may be shorter: `pixels` cells in all.
Geometry WalkOf(const Geometry& g, bool max_pool) {
  const bool cells_only = g.kernel_h == 1 && g.kernel_w == 1 && g.stride_h == 1 &&
                          g.stride_w == 1 && !g.PadsRows() && !g.PadsColumns() && !max_pool &&
                          g.pad_top == 0 && g.pad_left == 0 && g.height == g.out_height &&
                          g.width == g.out_width;
  if (!cells_only) return g;
  Geometry walk = g;
  const int64_t cells = g.batch * g.height * g.width;
  walk.batch = 1;
  walk.width = walk.out_width = std::min(kListRow, cells);
  walk.height = walk.out_height = (cells + walk.width - 1) / walk.width;
  return walk;
}

class DirectConv2d final : public Kernel {
 public:
  DirectConv2d(const DirectSimd& simd, Convolution conv, int threads)
      : simd_(simd),
        g_(WalkOf(conv.geometry, conv.epilogue.max_pool())),
        pixels_(conv.geometry.batch * conv.geometry.out_height * conv.geometry.out_width),
        epilogue_(std::move(conv.epilogue)),
        dynamic_padding_(conv.has_padding_value && conv.padding_value == nullptr),
        flipped_(conv.flipped),
        input_operand_(conv.input_operand),
        filter_operand_(conv.filter_operand) {
    if (conv.padding_value != nullptr) {
      padding_.assign(conv.padding_value, conv.padding_value + g_.in_channels);
    }
    filter_floats_ = DirectFilterFloats(g_, simd.width);
    if (conv.filter != nullptr) {
      packed_filter_.resize(static_cast<size_t>(filter_floats_));
      PackDirectFilter(g_, simd.width, conv.filter, flipped_, packed_filter_.data());
      filter_floats_ = 0;
    }
    units_ = g_.batch * (epilogue_.max_pool() ? g_.out_height / 2 : g_.out_height);
    if (g_.products() >= kFewestProductsToSplit) {
      workers_ = static_cast<int>(std::clamp<int64_t>(units_, 1, threads));
    }
    pooled_floats_ = epilogue_.max_pool() ? RoundUp(2 * g_.out_width * g_.out_channels, 16) : 0;
    worker_bytes_ = PaddedRows::Bytes(g_) + static_cast<size_t>(pooled_floats_) * sizeof(float);
    filter_floats_ = RoundUp(filter_floats_, 16);
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(filter_floats_ + epilogue_.scratch_floats()) * sizeof(float) +
           static_cast<size_t>(workers_) * worker_bytes_;
  }
  size_t packed_bytes() const override {
    return packed_filter_.size() * sizeof(float) + epilogue_.packed_bytes();
  }

  void Run(const KernelCall& call) const override {
    float* scratch = static_cast<float*>(call.scratch);
    const float* weights = packed_filter_.data();
    if (filter_floats_ > 0) {
      PackDirectFilter(g_, simd_.width, call.operands[filter_operand_].as<float>(), flipped_,
                       scratch);
      weights = scratch;
    }
    scratch += filter_floats_;
    const Stages stages = epilogue_.Bind(call, scratch);
    scratch += epilogue_.scratch_floats();
    const float* padding = dynamic_padding_   ? call.operands[kPaddingValue].as<float>()
                           : padding_.empty() ? nullptr
                                              : padding_.data();
    call.pool->Run(workers_, [&](int worker) {
      std::byte* memory =
          reinterpret_cast<std::byte*>(scratch) + static_cast<size_t>(worker) * worker_bytes_;
      float* pooled = reinterpret_cast<float*>(memory);
      PaddedRows rows(g_, call.operands[input_operand_].as<float>(), padding,
                      pooled + pooled_floats_);
      RunUnits(units_ * worker / workers_, units_ * (worker + 1) / workers_, rows, weights, stages,
               pooled, call.results[0].as<float>());
    });
  }

 private:
  void RunUnits(int64_t first, int64_t end, PaddedRows& rows, const float* weights,
                const Stages& stages, float* pooled, float* output) const {
    const int64_t row_floats = g_.out_width * g_.out_channels;
    for (int64_t unit = first; unit < end; ++unit) {
      if (!stages.max_pool) {
        RunRow(unit / g_.out_height, unit % g_.out_height, rows, weights, stages,
               output + unit * row_floats);
        continue;
      }
      const int64_t height = g_.out_height / 2, width = g_.out_width / 2;
      const int64_t n = unit / height, y = unit % height * 2;
      RunRow(n, y, rows, weights, stages, pooled);
      RunRow(n, y + 1, rows, weights, stages, pooled + row_floats);
      simd_.pool_rows(pooled, pooled + row_floats, width, g_.out_channels,
                      output + unit * width * g_.out_channels);
    }
  }

  void RunRow(int64_t n, int64_t y, PaddedRows& rows, const float* weights, const Stages& stages,
              float* output) const {
    const int64_t first_pixel = (n * g_.out_height + y) * g_.out_width;
    const bool one_run = g_.groups == 1 && (g_.dilation_w == 1 || g_.kernel_w == 1);
    DirectRow row;
    row.kernel_h = g_.kernel_h;
    row.runs = one_run ? 1 : g_.kernel_w;
    row.run_stride = g_.dilation_w * g_.in_channels;
    row.run_length = one_run ? g_.kernel_w * g_.in_channels : g_.group_in();
    row.pixel_step = g_.stride_w * g_.in_channels;
    row.pixels = std::min(g_.out_width, pixels_ - first_pixel);
    row.columns = g_.group_out();
    row.stages = &stages;
    row.place = first_pixel * g_.out_channels;
    row.place_step = row.output_step = g_.out_channels;
    row.rows = rows.Rows(n, y);
    const int64_t group_floats = DirectFilterFloats(g_, simd_.width) / g_.groups;
    for (int64_t group = 0; group < g_.groups; ++group) {
      row.row_offset = group * g_.group_in();
      row.weights = weights + group * group_floats;
      row.channel = group * g_.group_out();
      row.output = output + row.channel;
      simd_.row(row);
    }
  }

  const DirectSimd& simd_;
  const Geometry g_;
  const int64_t pixels_;
  const EpiloguePlan epilogue_;
  const bool dynamic_padding_, flipped_;
  const size_t input_operand_, filter_operand_;
  int64_t filter_floats_ = 0;  ///< of scratch; 0 where the filter is constant
  int64_t units_ = 0;          ///< output rows, or pairs of them
  int64_t pooled_floats_ = 0;
  int workers_ = 1;
  size_t worker_bytes_ = 0;
  std::vector<float> packed_filter_;
  std::vector<float> padding_;
};

}  // namespace

std::unique_ptr<Kernel> MakeDirectKernel(const DirectSimd& simd, Convolution conv, int threads) {
  return std::make_unique<DirectConv2d>(simd, std::move(conv), threads);
}

namespace {

std::unique_ptr<Kernel> MakeDirect(const KernelSpec& spec, const DirectSimd& simd) {
  auto parsed = ParseSpec(spec);
  if (!parsed.has_value()) return nullptr;
  return MakeDirectKernel(simd, std::move(*parsed), spec.threads);
}

}  // namespace

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

#if defined(__x86_64__)
std::unique_ptr<Kernel> MakeAvx2Direct(const KernelSpec& spec) {
  return MakeDirect(spec, kAvx2DirectSimd);
}
std::unique_ptr<Kernel> MakeAvx512Direct(const KernelSpec& spec) {
  return MakeDirect(spec, kAvx512DirectSimd);
}
#endif

}  // namespace tersor::kernels::conv2d_f32
