// The values that are computed once for a depthwise convolution, before its vector code runs. They
// are plain data, because the files that are compiled for one CPU level read them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tersor/kernels/kernel.h"
#include "tersor/kernels/simd/integer_chain.h"

namespace tersor::kernels::depthwise_int8 {

struct Plan {
  int batch = 0, in_h = 0, in_w = 0, in_c = 0, out_h = 0, out_w = 0, out_c = 0;
  int k_h = 0, stride_h = 0, stride_w = 0, dilation_h = 0, dilation_w = 0;
  int pad_top = 0, pad_left = 0;
  int multiplier = 1;  ///< result channels of an input channel
  IntegerChain chain;
  const int32_t* bias = nullptr;    ///< [channels], folded
  const int8_t* padding = nullptr;  ///< [channels]: integers of the padded cells
  const int32_t* filter = nullptr;  ///< [vector][k_h][pairs][lane]: i16 pairs
  int channels = 0;                 ///< out_c padded to whole vectors
  int pairs = 0;                    ///< of taps in a row of the window
  int image_w = 0;                  ///< pixels in a row of the padded image
  int chunk_rows = 0;               ///< result rows done from one padded image
  int tasks = 1;                    ///< parts that the rows are split into
  size_t line_bytes = 0;            ///< of one row before it is paired
  size_t task_bytes = 0;            ///< scratch of one task: a line, then the image
};

/// One CPU level's vector code.
struct Loops {
  int lanes;
  void (*run)(const Plan& plan, const KernelCall& call);
};

extern const Loops kAvx2Loops;
extern const Loops kAvx512Loops;
extern const Loops kAvx512VnniLoops;

}  // namespace tersor::kernels::depthwise_int8
