// The loops that one instruction set provides; see elementwise/loops.h for why they are plain
// pointers.
#pragma once

#include "tersor/kernels/pool_f32/pool_geometry.h"

namespace tersor::kernels::pool_f32 {

/// The activation of a result: it is clamped to [min, max].
struct Bounds {
  float min, max;
};

struct Loops {
  /// Row y of the result from the image [height, width, channels].
  void (*max_row)(const PoolGeometry& geometry, const float* image, int64_t y, Bounds bounds,
                  float* output);
  void (*average_row)(const PoolGeometry& geometry, const float* image, int64_t y, Bounds bounds,
                      float* output);
  /// A whole image's gradient from those of its windows.
  void (*max_gradient)(const PoolGeometry& geometry, const float* gradient, const float* image,
                       float* image_gradient);
  void (*average_gradient)(const PoolGeometry& geometry, const float* gradient,
                           float* image_gradient);
};

extern const Loops kAvx2Loops;
extern const Loops kAvx512Loops;

}  // namespace tersor::kernels::pool_f32
