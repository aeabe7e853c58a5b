// The loops of loops.h over the vector of the including file.
#pragma once

#include "tersor/kernels/reduce/loops.h"
#include "tersor/kernels/simd/vector.h"

namespace tersor::kernels::reduce {
namespace {

void AddF32(const float* in, int64_t count, double* sums) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) AddToDoubles(F32::Load(in + i), sums + i);
  for (; i < count; ++i) sums[i] += in[i];
}

double SumF32(const float* in, int64_t count) {
  double sums[2 * kLanes] = {};
  int64_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    AddToDoubles(F32::Load(in + i), sums);
    AddToDoubles(F32::Load(in + i + kLanes), sums + kLanes);
  }
  double sum = 0;
  for (; i < count; ++i) sum += in[i];
  for (double part : sums) sum += part;
  return sum;
}

template <typename T>
void Add8(const T* in, int64_t count, int32_t* sums) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) (I32::Load(sums + i) + Widen(in + i)).Store(sums + i);
  for (; i < count; ++i) sums[i] += in[i];
}

template <typename T>
int32_t Sum8(const T* in, int64_t count) {
  I32 low = I32::Fill(0), high = I32::Fill(0);
  int64_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    low = low + Widen(in + i);
    high = high + Widen(in + i + kLanes);
  }
  int32_t lanes[kLanes];
  (low + high).Store(lanes);
  int32_t sum = 0;
  for (int32_t lane : lanes) sum += lane;
  for (; i < count; ++i) sum += in[i];
  return sum;
}

constexpr Loops kLoops = {AddF32, Add8<int8_t>, Add8<uint8_t>, SumF32, Sum8<int8_t>, Sum8<uint8_t>};

}  // namespace
}  // namespace tersor::kernels::reduce
