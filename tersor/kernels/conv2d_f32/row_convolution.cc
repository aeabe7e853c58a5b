#include "tersor/kernels/conv2d_f32/row_convolution.h"

#include <algorithm>

#include "tersor/base/thread_pool.h"

namespace tersor::kernels::conv2d_f32 {
namespace {

using winograd_f32::RoundUp;

// Below this many multiply-adds a second thread costs more than it saves.
constexpr int64_t kFewestProductsToSplit = 400'000;
// Pixels of a row where the image is a list of cells (1x1 filters).
constexpr int64_t kListRow = 48;

/// The geometry to walk: a convolution that looks at single cells has no rows, so its cells are put
/// into rows of a good length. The last row may be shorter.
Geometry WalkOf(const Geometry& g, bool max_pool) {
  const bool cells_only = g.kernel_h == 1 && g.kernel_w == 1 && g.stride_h == 1 &&
                          g.stride_w == 1 && !g.PadsRows() && !g.PadsColumns() && !max_pool &&
                          g.height == g.out_height && g.width == g.out_width;
  if (!cells_only) return g;
  Geometry walk = g;
  const int64_t cells = g.batch * g.height * g.width;
  walk.batch = 1;
  walk.width = walk.out_width = std::min(kListRow, cells);
  walk.height = walk.out_height = (cells + walk.width - 1) / walk.width;
  return walk;
}

}  // namespace

RowConvolution::RowConvolution(Convolution conv, int64_t filter_floats, PoolRows pool_rows,
                               int threads)
    : conv_(std::move(conv)),
      g_(WalkOf(conv_.geometry, conv_.epilogue.max_pool())),
      pixels_(conv_.geometry.batch * conv_.geometry.out_height * conv_.geometry.out_width),
      pool_rows_(pool_rows),
      filter_floats_(RoundUp(filter_floats, 16)) {
  if (conv_.padding_value != nullptr) {
    padding_.assign(conv_.padding_value, conv_.padding_value + g_.in_channels);
  }
  units_ = g_.batch * (conv_.epilogue.max_pool() ? g_.out_height / 2 : g_.out_height);
  if (g_.products() >= kFewestProductsToSplit) {
    workers_ = static_cast<int>(std::clamp<int64_t>(units_, 1, threads));
  }
  if (conv_.epilogue.max_pool()) pooled_floats_ = RoundUp(2 * g_.out_width * g_.out_channels, 16);
  worker_bytes_ = PaddedRows::Bytes(g_) + static_cast<size_t>(pooled_floats_) * sizeof(float);
}

void RowConvolution::PackConstantFilter() {
  if (conv_.filter == nullptr) return;
  packed_filter_.resize(static_cast<size_t>(filter_floats_));
  Pack(conv_.filter, packed_filter_.data());
  filter_floats_ = 0;
}

size_t RowConvolution::scratch_bytes() const {
  return static_cast<size_t>(filter_floats_ + conv_.epilogue.scratch_floats()) * sizeof(float) +
         static_cast<size_t>(workers_) * worker_bytes_;
}

size_t RowConvolution::packed_bytes() const {
  return packed_filter_.size() * sizeof(float) + conv_.epilogue.packed_bytes();
}

void RowConvolution::Run(const KernelCall& call) const {
  float* scratch = static_cast<float*>(call.scratch);
  const float* weights = packed_filter_.data();
  if (filter_floats_ > 0) {
    Pack(call.operands[conv_.filter_operand].as<float>(), scratch);
    weights = scratch;
  }
  scratch += filter_floats_;
  const Stages stages = conv_.epilogue.Bind(call, scratch);
  scratch += conv_.epilogue.scratch_floats();
  const float* padding = nullptr;
  if (conv_.has_padding_value) {
    padding = padding_.empty() ? call.operands[kPaddingValue].as<float>() : padding_.data();
  }
  const float* input = call.operands[conv_.input_operand].as<float>();
  float* output = call.results[0].as<float>();
  call.pool->Run(workers_, [&](int worker) {
    std::byte* memory =
        reinterpret_cast<std::byte*>(scratch) + static_cast<size_t>(worker) * worker_bytes_;
    float* pooled = reinterpret_cast<float*>(memory);
    PaddedRows rows(g_, input, padding, pooled + pooled_floats_);
    RunUnits(units_ * worker / workers_, units_ * (worker + 1) / workers_, rows, weights, stages,
             pooled, output);
  });
}

void RowConvolution::RunUnits(int64_t first, int64_t end, PaddedRows& rows, const float* weights,
                              const Stages& stages, float* pooled, float* output) const {
  const int64_t row_floats = g_.out_width * g_.out_channels;
  for (int64_t unit = first; unit < end; ++unit) {
    if (!stages.max_pool) {
      RunPaddedRow(unit / g_.out_height, unit % g_.out_height, rows, weights, stages,
                   output + unit * row_floats);
      continue;
    }
    const int64_t height = g_.out_height / 2, width = g_.out_width / 2;
    const int64_t n = unit / height, y = unit % height * 2;
    RunPaddedRow(n, y, rows, weights, stages, pooled);
    RunPaddedRow(n, y + 1, rows, weights, stages, pooled + row_floats);
    pool_rows_(pooled, pooled + row_floats, width, g_.out_channels,
               output + unit * width * g_.out_channels);
  }
}

void RowConvolution::RunPaddedRow(int64_t n, int64_t y, PaddedRows& rows, const float* weights,
                                  const Stages& stages, float* output) const {
  const int64_t first_pixel = (n * g_.out_height + y) * g_.out_width;
  RunRow(rows.Rows(n, y), first_pixel, std::min(g_.out_width, pixels_ - first_pixel), weights,
         stages, output);
}

}  // namespace tersor::kernels::conv2d_f32
