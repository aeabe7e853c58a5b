// The loops of loops.h over the vector of the including file. Only for x86_avx2.cc and
// x86_avx512.cc.
#pragma once

#include "tersor/kernels/elementwise/loops.h"
#include "tersor/kernels/simd/x86_bytes.h"

namespace tersor::kernels::elementwise {
namespace {

constexpr int kW = Vector::kLanes;

// Maximum and minimum as std::max and std::min see NaN and zeros: the first operand unless the
// second is larger (smaller).
Vector Max(Vector first, Vector second) { return Vector::Max(second, first); }
Vector Min(Vector first, Vector second) { return Vector::Min(second, first); }

template <auto kFunction>
void UnaryLoop(const UnaryF32Args& args) {
  int64_t i = 0;
  for (; i + kW <= args.count; i += kW) {
    kFunction(Vector::Load(args.in + i), args).Store(args.out + i);
  }
  const int rest = static_cast<int>(args.count - i);
  if (rest > 0) kFunction(Vector::LoadPart(args.in + i, rest), args).StorePart(args.out + i, rest);
}

enum class Side { kNeither, kLhs, kRhs };

// Four vectors a step, so that the phase of a periodic operand is worked out once for them; then
// one; then a part.
template <auto kFunction, Side kPeriodic>
void BinaryLoop(const BinaryF32Args& args) {
  const Vector lo = Vector::Fill(args.lo), hi = Vector::Fill(args.hi);
  const int64_t period = args.period;
  const float* lhs = args.lhs;
  const float* rhs = args.rhs;
  float* out = args.out;
  int64_t i = 0, phase = args.phase;
  const auto load_lhs = [&](int64_t k) {
    return Vector::Load(lhs + (kPeriodic == Side::kLhs ? phase : i) + k);
  };
  const auto load_rhs = [&](int64_t k) {
    return Vector::Load(rhs + (kPeriodic == Side::kRhs ? phase : i) + k);
  };
  const auto advance = [&](int64_t elements, int64_t phase_step) {
    i += elements;
    phase += phase_step;
    if (phase >= period) phase -= period;
  };
  const int64_t block_step = kPeriodic == Side::kNeither ? 0 : kBlock % period;
  while (i + kBlock <= args.count) {
    TERSOR_UNROLL
    for (int k = 0; k < kBlock; k += kW) {
      Min(Max(kFunction(load_lhs(k), load_rhs(k)), lo), hi).Store(out + i + k);
    }
    advance(kBlock, block_step);
  }
  const int64_t vector_step = kPeriodic == Side::kNeither ? 0 : kW % period;
  while (i + kW <= args.count) {
    Min(Max(kFunction(load_lhs(0), load_rhs(0)), lo), hi).Store(out + i);
    advance(kW, vector_step);
  }
  const int rest = static_cast<int>(args.count - i);
  if (rest == 0) return;
  const Vector a = Vector::LoadPart(lhs + (kPeriodic == Side::kLhs ? phase : i), rest);
  const Vector b = Vector::LoadPart(rhs + (kPeriodic == Side::kRhs ? phase : i), rest);
  Min(Max(kFunction(a, b), lo), hi).StorePart(out + i, rest);
}

// Blocks of 8-bit elements. Kind::Block(a, b, phase, out) makes one whole block; the last one goes
// through buffers.
template <typename T, bool kPeriodic, typename Kind>
void Loop8(const Binary8Args& args) {
  const Kind kind(args);
  const T* lhs = static_cast<const T*>(args.lhs);
  const T* rhs = static_cast<const T*>(args.rhs);
  T* out = static_cast<T*>(args.out);
  const int64_t step = kPeriodic ? kBlock % args.period : 0;
  int64_t i = 0, phase = args.phase;
  for (; i + kBlock <= args.count; i += kBlock) {
    kind.Block(lhs + i, rhs + (kPeriodic ? 0 : i), phase, out + i);
    if (kPeriodic) {
      phase += step;
      if (phase >= args.period) phase -= args.period;
    }
  }
  if (i == args.count) return;
  const size_t bytes = static_cast<size_t>(args.count - i);
  T a[kBlock] = {}, b[kBlock] = {};
  std::memcpy(a, lhs + i, bytes);
  if (!kPeriodic) std::memcpy(b, rhs + i, bytes);
  kind.Block(a, b, phase, a);
  std::memcpy(out + i, a, bytes);
}

template <typename T>
class AddSame {
 public:
  explicit AddSame(const Binary8Args& args)
      : narrow_(args.zero_out, args.lo, args.hi),
        factor_a_(SetI(args.factor_lhs)),
        factor_b_(SetI(args.factor_rhs)),
        bias_(SetI(args.bias)),
        shift_(args.shift) {}

  void Block(const T* a, const T* b, int64_t, T* out) const {
    VectorI q[4];
    TERSOR_UNROLL
    for (int k = 0; k < 4; ++k) {
      const VectorI left = Widen(a + k * kW) * factor_a_, right = Widen(b + k * kW) * factor_b_;
      q[k] = ShiftRightBy(left + right + bias_, shift_);
    }
    narrow_.Store(out, q[0], q[1], q[2], q[3]);
  }

 private:
  Narrow<T> narrow_;
  VectorI factor_a_, factor_b_, bias_;
  ShiftCount shift_;
};

template <typename T>
class AddPeriodic {
 public:
  explicit AddPeriodic(const Binary8Args& args)
      : narrow_(args.zero_out, args.lo, args.hi),
        factor_a_(SetI(args.factor_lhs)),
        bias_(SetI(args.bias)),
        shift_(args.shift),
        term_(static_cast<const int32_t*>(args.rhs)) {}

  void Block(const T* a, const T*, int64_t phase, T* out) const {
    VectorI q[4];
    TERSOR_UNROLL
    for (int k = 0; k < 4; ++k) {
      const VectorI left = Widen(a + k * kW) * factor_a_;
      q[k] = ShiftRightBy(left + LoadI(term_ + phase + k * kW) + bias_, shift_);
    }
    narrow_.Store(out, q[0], q[1], q[2], q[3]);
  }

 private:
  Narrow<T> narrow_;
  VectorI factor_a_, bias_;
  ShiftCount shift_;
  const int32_t* term_;
};

// The product of two 9-bit integers is exact in f32, so it may be formed there.
template <typename T>
class MultiplySame {
 public:
  explicit MultiplySame(const Binary8Args& args)
      : narrow_(args.zero_out, args.lo, args.hi),
        zero_a_(SetI(args.zero_lhs)),
        zero_b_(SetI(args.zero_rhs)),
        scale_(Vector::Fill(args.scale)) {}

  void Block(const T* a, const T* b, int64_t, T* out) const {
    VectorI q[4];
    TERSOR_UNROLL
    for (int k = 0; k < 4; ++k) {
      const Vector left = ToFloat(Widen(a + k * kW) - zero_a_);
      const Vector right = ToFloat(Widen(b + k * kW) - zero_b_);
      q[k] = ToInt(left * right * scale_);
    }
    narrow_.Store(out, q[0], q[1], q[2], q[3]);
  }

 private:
  Narrow<T> narrow_;
  VectorI zero_a_, zero_b_;
  Vector scale_;
};

template <typename T>
class MultiplyPeriodic {
 public:
  explicit MultiplyPeriodic(const Binary8Args& args)
      : narrow_(args.zero_out, args.lo, args.hi),
        zero_a_(SetI(args.zero_lhs)),
        scale_(Vector::Fill(args.scale)),
        factor_(static_cast<const float*>(args.rhs)) {}

  void Block(const T* a, const T*, int64_t phase, T* out) const {
    VectorI q[4];
    TERSOR_UNROLL
    for (int k = 0; k < 4; ++k) {
      const Vector left = ToFloat(Widen(a + k * kW) - zero_a_);
      q[k] = ToInt(left * Vector::Load(factor_ + phase + k * kW) * scale_);
    }
    narrow_.Store(out, q[0], q[1], q[2], q[3]);
  }

 private:
  Narrow<T> narrow_;
  VectorI zero_a_;
  Vector scale_;
  const float* factor_;
};

template <auto kFunction>
constexpr BinaryF32Loops MakeBinary() {
  return {BinaryLoop<kFunction, Side::kNeither>, BinaryLoop<kFunction, Side::kRhs>,
          BinaryLoop<kFunction, Side::kLhs>};
}

template <typename T>
constexpr Binary8Loops MakeBinary8() {
  return {Loop8<T, false, AddSame<T>>, Loop8<T, true, AddPeriodic<T>>,
          Loop8<T, false, MultiplySame<T>>, Loop8<T, true, MultiplyPeriodic<T>>};
}

Vector AddOf(Vector a, Vector b) { return a + b; }
Vector SubtractOf(Vector a, Vector b) { return a - b; }
Vector MultiplyOf(Vector a, Vector b) { return a * b; }
Vector DivideOf(Vector a, Vector b) { return a / b; }

Vector ClampOf(Vector x, const UnaryF32Args& args) {
  return Min(Max(x, Vector::Fill(args.min)), Vector::Fill(args.max));
}
Vector ExpOf(Vector x, const UnaryF32Args&) { return Exp(x); }
Vector NegateOf(Vector x, const UnaryF32Args&) { return Vector::Fill(-0.0f) - x; }
Vector ReluOf(Vector x, const UnaryF32Args&) { return Max(x, Vector::Fill(0)); }
Vector Relu6Of(Vector x, const UnaryF32Args&) {
  return Min(Max(x, Vector::Fill(0)), Vector::Fill(6));
}
Vector RsqrtOf(Vector x, const UnaryF32Args&) { return Vector::Fill(1) / Vector::Sqrt(x); }
Vector SigmoidOf(Vector x, const UnaryF32Args&) {
  return Vector::Fill(1) / (Vector::Fill(1) + Exp(Vector::Fill(-0.0f) - x));
}
Vector SqrtOf(Vector x, const UnaryF32Args&) { return Vector::Sqrt(x); }

constexpr Loops MakeLoops() {
  Loops loops{};
  const auto unary = [&](Unary op) -> auto& { return loops.unary_f32[static_cast<int>(op)]; };
  unary(Unary::kClamp) = UnaryLoop<ClampOf>;
  unary(Unary::kExp) = UnaryLoop<ExpOf>;
  unary(Unary::kNegate) = UnaryLoop<NegateOf>;
  unary(Unary::kRelu) = UnaryLoop<ReluOf>;
  unary(Unary::kRelu6) = UnaryLoop<Relu6Of>;
  unary(Unary::kRsqrt) = UnaryLoop<RsqrtOf>;
  unary(Unary::kSigmoid) = UnaryLoop<SigmoidOf>;
  unary(Unary::kSqrt) = UnaryLoop<SqrtOf>;
  const auto binary = [&](Binary op) -> auto& { return loops.binary_f32[static_cast<int>(op)]; };
  binary(Binary::kAdd) = MakeBinary<AddOf>();
  binary(Binary::kDivide) = MakeBinary<DivideOf>();
  binary(Binary::kMaximum) = MakeBinary<Max>();
  binary(Binary::kMinimum) = MakeBinary<Min>();
  binary(Binary::kMultiply) = MakeBinary<MultiplyOf>();
  binary(Binary::kSubtract) = MakeBinary<SubtractOf>();
  loops.i8 = MakeBinary8<int8_t>();
  loops.u8 = MakeBinary8<uint8_t>();
  return loops;
}

}  // namespace
}  // namespace tersor::kernels::elementwise
