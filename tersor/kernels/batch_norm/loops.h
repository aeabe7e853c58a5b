// The loops that each instruction set provides. elementwise/loops.h says why they are plain
// function pointers.
//
// The loops read the data as one flat array, whatever the number of channels. A period is a number
// of floats that is a multiple of the number of channels and of the vector's length; values that
// depend on the channel are repeated to fill one period. The data begins at channel 0.
#pragma once

#include <cstdint>

namespace tersor::kernels::batch_norm {

/// For each element i of `count`, and j = i % period:
///   normalize  output = (input - mean[j]) * factor[j] + offset[j]
///   gradient   output = gradient * factor[j] + (input - mean[j]) * slope[j] + offset[j]
struct Affine {
  int64_t count, period;
  const float *mean, *factor, *slope, *offset;
};

struct Loops {
  int lanes;  ///< floats in a vector
  void (*normalize)(const Affine& affine, const float* input, float* output);
  void (*gradient)(const Affine& affine, const float* gradient, const float* input, float* output);
  /// Over `rows` periods, at most 64 of them, for each j of the period: sums[j] += x and
  /// sums[period + j] += x * x; or += gradient and += gradient * (x - mean[j]). A period's sum is
  /// formed in f32 and added in double.
  void (*add_moments)(const float* input, int64_t rows, int64_t period, double* sums);
  void (*add_gradients)(const float* gradient, const float* input, const float* mean, int64_t rows,
                        int64_t period, double* sums);
};

extern const Loops kAvx2Loops;
extern const Loops kAvx512Loops;

}  // namespace tersor::kernels::batch_norm
