// The loops that one instruction set provides; see elementwise/loops.h for why they are plain
// pointers.
#pragma once

#include <cstdint>

namespace tersor::kernels::reduce {

/// add_*: sums[i] += in[i] for each i of [0, count). sum_*: the sum of in[0, count).
struct Loops {
  void (*add_f32)(const float* in, int64_t count, double* sums);
  void (*add_i8)(const int8_t* in, int64_t count, int32_t* sums);
  void (*add_u8)(const uint8_t* in, int64_t count, int32_t* sums);
  double (*sum_f32)(const float* in, int64_t count);
  int32_t (*sum_i8)(const int8_t* in, int64_t count);
  int32_t (*sum_u8)(const uint8_t* in, int64_t count);
};

extern const Loops kReferenceLoops;
extern const Loops kAvx2Loops;
extern const Loops kAvx512Loops;

}  // namespace tersor::kernels::reduce
