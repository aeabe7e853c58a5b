// The loops of loops.h over the vector of the including file.
#pragma once

#include <cstring>

#include "tersor/kernels/simd/vector.h"
#include "tersor/kernels/softmax/loops.h"

namespace tersor::kernels::softmax {
namespace {

constexpr float kMinusInfinity = -__builtin_inff();

/// The last elements of a row, the missing lanes at -infinity, whose exponential is 0.
F32 LoadTail(const float* p, int64_t count) {
  float lanes[kLanes];
  for (float& lane : lanes) lane = kMinusInfinity;
  std::memcpy(lanes, p, static_cast<size_t>(count) * sizeof(float));
  return F32::Load(lanes);
}

void SoftmaxRow(const float* in, float* out, int64_t columns) {
  const int64_t whole = columns / kLanes * kLanes;
  const int rest = static_cast<int>(columns - whole);
  F32 largest = F32::Fill(kMinusInfinity);
  for (int64_t i = 0; i < whole; i += kLanes) largest = Max(largest, F32::Load(in + i));
  const F32 tail = LoadTail(in + whole, rest);
  const F32 shift = F32::Fill(Largest(Max(largest, tail)));
  F32 sum = F32::Zero();
  for (int64_t i = 0; i < whole; i += kLanes) {
    const F32 e = Exp(F32::Load(in + i) - shift);
    e.Store(out + i);
    sum = sum + e;
  }
  const F32 e = Exp(tail - shift);
  const F32 scale = F32::Fill(1.0f / Sum(sum + e));
  for (int64_t i = 0; i < whole; i += kLanes) (F32::Load(out + i) * scale).Store(out + i);
  if (rest > 0) (e * scale).StorePart(out + whole, rest);
}

void Softmax(const float* in, float* out, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; ++row) {
    SoftmaxRow(in + row * columns, out + row * columns, columns);
  }
}

constexpr Loops kLoops = {Softmax};

}  // namespace
}  // namespace tersor::kernels::softmax
