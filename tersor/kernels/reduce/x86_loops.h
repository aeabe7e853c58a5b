// The loops of loops.h over the vector of the including file. Only for x86_avx2.cc and
// x86_avx512.cc.
#pragma once

#include "tersor/kernels/reduce/loops.h"
#include "tersor/kernels/simd/x86_bytes.h"

namespace tersor::kernels::reduce {
namespace {

constexpr int kW = Vector::kLanes;

void AddF32(const float* in, int64_t count, double* sums) {
  int64_t i = 0;
  for (; i + kW <= count; i += kW) Vector::Load(in + i).AddTo(sums + i);
  for (; i < count; ++i) sums[i] += in[i];
}

double SumF32(const float* in, int64_t count) {
  double sums[2 * kW] = {};
  int64_t i = 0;
  for (; i + 2 * kW <= count; i += 2 * kW) {
    Vector::Load(in + i).AddTo(sums);
    Vector::Load(in + i + kW).AddTo(sums + kW);
  }
  double sum = 0;
  for (; i < count; ++i) sum += in[i];
  for (double part : sums) sum += part;
  return sum;
}

template <typename T>
void Add8(const T* in, int64_t count, int32_t* sums) {
  int64_t i = 0;
  for (; i + kW <= count; i += kW) StoreI(sums + i, LoadI(sums + i) + Widen(in + i));
  for (; i < count; ++i) sums[i] += in[i];
}

template <typename T>
int32_t Sum8(const T* in, int64_t count) {
  VectorI low = SetI(0), high = SetI(0);
  int64_t i = 0;
  for (; i + 2 * kW <= count; i += 2 * kW) {
    low = low + Widen(in + i);
    high = high + Widen(in + i + kW);
  }
  int32_t lanes[kW];
  StoreI(lanes, low + high);
  int32_t sum = 0;
  for (int32_t lane : lanes) sum += lane;
  for (; i < count; ++i) sum += in[i];
  return sum;
}

constexpr Loops kLoops = {AddF32, Add8<int8_t>, Add8<uint8_t>, SumF32, Sum8<int8_t>, Sum8<uint8_t>};

}  // namespace
}  // namespace tersor::kernels::reduce
