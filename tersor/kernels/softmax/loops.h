// The loop that one instruction set provides; see elementwise/loops.h for why it is a plain
// pointer.
#pragma once

#include <cstdint>

namespace tersor::kernels::softmax {

struct Loops {
  /// Softmax of `rows` rows of `columns` > 0 elements; `out` may be `in`.
  void (*softmax)(const float* in, float* out, int64_t rows, int64_t columns);
};

extern const Loops kAvx2Loops;
extern const Loops kAvx512Loops;

}  // namespace tersor::kernels::softmax
