// The loop of loops.h over the vector of the including file. Only for x86_avx2.cc and
// x86_avx512.cc.
#pragma once

#include "tersor/kernels/simd/x86_bytes.h"
#include "tersor/kernels/softmax/loops.h"

namespace tersor::kernels::softmax {
namespace {

constexpr float kMinusInfinity = -__builtin_inff();

/// The last elements of a row, the missing lanes at -infinity, whose exponential is 0.
Vector LoadTail(const float* p, int64_t count) {
  float lanes[Vector::kLanes];
  for (float& lane : lanes) lane = kMinusInfinity;
  std::memcpy(lanes, p, static_cast<size_t>(count) * sizeof(float));
  return Vector::Load(lanes);
}

void SoftmaxRow(const float* in, float* out, int64_t columns) {
  constexpr int kLanes = Vector::kLanes;
  const int64_t whole = columns / kLanes * kLanes;
  const int rest = static_cast<int>(columns - whole);
  Vector largest = Vector::Fill(kMinusInfinity);
  for (int64_t i = 0; i < whole; i += kLanes) largest = Vector::Max(largest, Vector::Load(in + i));
  const Vector tail = LoadTail(in + whole, rest);
  const Vector shift = Vector::Fill(Largest(Vector::Max(largest, tail)));
  Vector sum = Vector::Zero();
  for (int64_t i = 0; i < whole; i += kLanes) {
    const Vector e = Exp(Vector::Load(in + i) - shift);
    e.Store(out + i);
    sum = sum + e;
  }
  const Vector e = Exp(tail - shift);
  const Vector scale = Vector::Fill(1.0f / Sum(sum + e));
  for (int64_t i = 0; i < whole; i += kLanes) (Vector::Load(out + i) * scale).Store(out + i);
  if (rest > 0) (e * scale).StorePart(out + whole, rest);
}

void Softmax(const float* in, float* out, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; ++row) {
    SoftmaxRow(in + row * columns, out + row * columns, columns);
  }
}

}  // namespace
}  // namespace tersor::kernels::softmax
