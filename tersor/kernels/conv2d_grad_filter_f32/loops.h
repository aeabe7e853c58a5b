// The arithmetic of the direct filter gradient.
#pragma once

#include <cstdint>

namespace tersor::kernels::conv2d_grad_filter_f32 {

/// sum[j][c] += sum over rows y and pixels x of cells[y * cells_row + x * cells_step + j] *
/// gradient[(y * pixels + x) * gradient_step + c], for j < taps and c < columns. `sum` has columns
/// rounded up to whole vectors; as many floats are read from each cell of `gradient`.
struct OuterProducts {
  const float* cells;
  int64_t cells_row, cells_step, taps;
  const float* gradient;
  int64_t gradient_step, columns;
  int64_t rows, pixels;
  float* sum;
};

struct Loops {
  int lanes;  ///< floats in a vector
  void (*add)(const OuterProducts& products);
};

extern const Loops kAvx2Loops;
extern const Loops kAvx512Loops;

}  // namespace tersor::kernels::conv2d_grad_filter_f32
