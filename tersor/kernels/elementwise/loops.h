// The inner loops that one instruction set provides, behind plain pointers: what the files with ISA
// flags export. They see no type of the standard library, so that no inline function is compiled
// with instructions that another CPU lacks.
#pragma once

#include <cstdint>

namespace tersor::kernels::elementwise {

enum class Unary : uint8_t {
#define UNARY(Name, formula) k##Name,
#include "tersor/kernels/elementwise/operators.inc"
  kCount
};

enum class Binary : uint8_t {
#define BINARY(Name, formula, domain) k##Name,
#include "tersor/kernels/elementwise/operators.inc"
  kCount
};

/// A periodic operand of period p is an array of p + kPeriodTail elements, element i + p being a
/// copy of element i: a loop reads a whole block from any phase. Period 1 is a scalar.
inline constexpr int64_t kPeriodTail = 64;

struct UnaryF32Args {
  const float* in;
  float* out;
  int64_t count;
  float min, max;  ///< attributes
};

struct BinaryF32Args {
  const float* lhs;
  const float* rhs;
  float* out;
  int64_t count;
  int64_t period, phase;  ///< of the periodic operand: element 0 reads its element `phase`
  float lo, hi;           ///< activation: the result is clamped to [lo, hi]
};

/// add       q = clamp((lhs * factor_lhs + rhs * factor_rhs + bias >> shift) + zero_out, lo, hi),
/// in
///           int32; bias holds the zero points and the rounding
/// multiply  q = clamp(rne(x) + zero_out, lo, hi), x = float((lhs - zero_lhs) * (rhs - zero_rhs)) *
///           scale, |x| < 2^31
/// Of the periodic forms, rhs is an array of 32-bit words: for add rhs * factor_rhs as an integer,
/// for multiply rhs - zero_rhs as an f32.
struct Binary8Args {
  const void* lhs;
  const void* rhs;
  void* out;
  int64_t count;
  int64_t period, phase;
  float scale;
  int32_t factor_lhs, factor_rhs, bias;
  int shift;
  int32_t zero_lhs, zero_rhs, zero_out, lo, hi;
};

struct BinaryF32Loops {
  void (*same)(const BinaryF32Args&);
  void (*periodic_rhs)(const BinaryF32Args&);
  void (*periodic_lhs)(const BinaryF32Args&);
};

struct Binary8Loops {
  void (*add_same)(const Binary8Args&);
  void (*add_periodic)(const Binary8Args&);
  void (*multiply_same)(const Binary8Args&);
  void (*multiply_periodic)(const Binary8Args&);
};

/// Null where the instruction set has no loop for an operator. `out` may be the pointer of either
/// operand.
struct Loops {
  void (*unary_f32[static_cast<int>(Unary::kCount)])(const UnaryF32Args&);
  BinaryF32Loops binary_f32[static_cast<int>(Binary::kCount)];
  Binary8Loops i8, u8;
};

extern const Loops kAvx2Loops;
extern const Loops kAvx512Loops;

}  // namespace tersor::kernels::elementwise
