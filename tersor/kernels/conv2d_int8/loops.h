// The plan of a convolution, which is made once, before vector code runs it: how it is computed
// (directly or by Winograd's method), the packed filter, the folded bias and the epilogue. It is
// plain data, so that the files that are compiled for one CPU level can read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tersor/kernels/conv2d_int8/conv_case.h"
#include "tersor/kernels/kernel.h"
#include "tersor/kernels/simd/integer_chain.h"

namespace tersor::kernels::conv2d_int8 {

/// How many vectors of result channels are computed together. The packed filter is split into
/// blocks of this many vectors; the last block may have fewer.
inline constexpr int kBlockVectors = 2;
/// Rows (pixels or tiles) that are computed together, at most.
inline constexpr int kMaxRows = 6;

struct Plan {
  int batch, in_h, in_w, in_c, out_h, out_w, out_c;
  int k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
  IntegerChain chain;
  const int32_t* bias = nullptr;    ///< [out_c padded], folded
  const int8_t* padding = nullptr;  ///< [in_c padded to 64]: integers of the padded cells
  const char* filter = nullptr;     ///< packed for direct or Winograd
  int vectors = 0;                  ///< vectors of result channels
  int tasks = 1;                    ///< parts that the work is split into

  // Direct: a padded image of `rows` result rows at a time, elements of 2 (i16) or 1 bytes
  // (u8: q + 128).
  int segments = 0;    ///< runs of taps that are contiguous in the padded image
  int groups = 0;      ///< 32-bit groups in a segment, the last filled up with zero weights
  int image_w = 0;     ///< pixels in a row of the padded image
  int chunk_rows = 0;  ///< result rows done from one padded image
  const ptrdiff_t* segment_offsets = nullptr;  ///< bytes

  // Winograd.
  int tiles_w = 0, tiles_h = 0;  ///< of one image
  int chunk_tile_rows = 0;       ///< tile rows whose products are computed together
  int padded_c = 0;              ///< in_c rounded up to 16

  size_t task_bytes = 0;  ///< scratch of one task, a multiple of 64
};

/// One CPU level's vector code.
struct Loops {
  int lanes;           ///< i32 lanes of a vector
  int direct_group;    ///< elements of a 32-bit group in direct: 2 (i16) or 4 (u8 times i8)
  double pairs_cost;   ///< cycles of one vector of 16-bit pair products
  double direct_cost;  ///< cycles of one vector of direct products
  void (*winograd)(const Plan& plan, const KernelCall& call);
  void (*direct)(const Plan& plan, const KernelCall& call);
};

/// Vector code, by CPU level.
extern const Loops kAvx2Loops;
extern const Loops kAvx512Loops;
extern const Loops kAvx512VnniLoops;

}  // namespace tersor::kernels::conv2d_int8
