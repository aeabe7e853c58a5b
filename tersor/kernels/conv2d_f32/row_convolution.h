// What the kernels that go output row by output row have in common.
#pragma once

#include <vector>

#include "tersor/kernels/conv2d_f32/makers.h"

namespace tersor::kernels::conv2d_f32 {

/// Walks the output rows on the pool's threads, pads the input, packs the filter, and pools pairs
/// of rows where the epilogue asks for it. Scratch: the packed filter and bias where they are not
/// constant, then each worker's pair of rows and padded input.
class RowConvolution : public Kernel {
 public:
  size_t scratch_bytes() const final;
  size_t packed_bytes() const final;
  void Run(const KernelCall& call) const final;

 protected:
  using PoolRows = decltype(Loops::pool_rows);

  RowConvolution(Convolution conv, int64_t filter_floats, PoolRows pool_rows, int threads);

  /// To be called by the constructors of derived classes.
  void PackConstantFilter();
  virtual void Pack(const float* filter, float* packed) const = 0;
  /// Output row y of example n. `rows` as PaddedRows::Rows gives them, `pixels` cells, the first of
  /// them cell number `first_pixel` of the result.
  virtual void RunRow(const float* const* rows, int64_t first_pixel, int64_t pixels,
                      const float* weights, const Stages& stages, float* output) const = 0;

  const Geometry& geometry() const { return g_; }
  bool flipped() const { return conv_.flipped; }

 private:
  void RunUnits(int64_t first, int64_t end, PaddedRows& rows, const float* weights,
                const Stages& stages, float* pooled, float* output) const;
  void RunPaddedRow(int64_t n, int64_t y, PaddedRows& rows, const float* weights,
                    const Stages& stages, float* output) const;

  const Convolution conv_;
  const Geometry g_;      ///< as it is walked
  const int64_t pixels_;  ///< of the whole result
  const PoolRows pool_rows_;
  int64_t filter_floats_;  ///< of scratch; 0 where the filter is constant
  int64_t units_ = 0;      ///< output rows, or pairs of them
  int64_t pooled_floats_ = 0;
  int workers_ = 1;
  size_t worker_bytes_ = 0;
  std::vector<float> packed_filter_;
  std::vector<float> padding_;
};

}  // namespace tersor::kernels::conv2d_f32
