// The loops of loops.h over the vector of the including file.
#pragma once

#include <cstring>

#include "tersor/kernels/elementwise/loops.h"
#include "tersor/kernels/simd/vector.h"

namespace tersor::kernels::elementwise {
namespace {

// Maximum and minimum as std::max and std::min see NaN and zeros: the first operand unless the
// second is larger (smaller).
F32 MaximumOf(F32 first, F32 second) { return Max(second, first); }
F32 MinimumOf(F32 first, F32 second) { return Min(second, first); }

template <auto kFunction>
void UnaryLoop(const UnaryF32Args& args) {
  int64_t i = 0;
  for (; i + kLanes <= args.count; i += kLanes) {
    kFunction(F32::Load(args.in + i), args).Store(args.out + i);
  }
  const int rest = static_cast<int>(args.count - i);
  if (rest > 0) kFunction(F32::LoadPart(args.in + i, rest), args).StorePart(args.out + i, rest);
}

enum class Side { kNeither, kLhs, kRhs };

// Four vectors a step, so that the phase of a periodic operand is worked out once for them; then
// one; then a part.
template <auto kFunction, Side kPeriodic>
void BinaryLoop(const BinaryF32Args& args) {
  const F32 lo = F32::Fill(args.lo), hi = F32::Fill(args.hi);
  const int64_t period = args.period;
  const float* lhs = args.lhs;
  const float* rhs = args.rhs;
  float* out = args.out;
  int64_t i = 0, phase = args.phase;
  const auto load_lhs = [&](int64_t k) {
    return F32::Load(lhs + (kPeriodic == Side::kLhs ? phase : i) + k);
  };
  const auto load_rhs = [&](int64_t k) {
    return F32::Load(rhs + (kPeriodic == Side::kRhs ? phase : i) + k);
  };
  const auto advance = [&](int64_t elements, int64_t phase_step) {
    i += elements;
    phase += phase_step;
    if (phase >= period) phase -= period;
  };
  const int64_t block_step = kPeriodic == Side::kNeither ? 0 : kBlock % period;
  while (i + kBlock <= args.count) {
    TERSOR_UNROLL
    for (int k = 0; k < kBlock; k += kLanes) {
      MinimumOf(MaximumOf(kFunction(load_lhs(k), load_rhs(k)), lo), hi).Store(out + i + k);
    }
    advance(kBlock, block_step);
  }
  const int64_t vector_step = kPeriodic == Side::kNeither ? 0 : kLanes % period;
  while (i + kLanes <= args.count) {
    MinimumOf(MaximumOf(kFunction(load_lhs(0), load_rhs(0)), lo), hi).Store(out + i);
    advance(kLanes, vector_step);
  }
  const int rest = static_cast<int>(args.count - i);
  if (rest == 0) return;
  const F32 a = F32::LoadPart(lhs + (kPeriodic == Side::kLhs ? phase : i), rest);
  const F32 b = F32::LoadPart(rhs + (kPeriodic == Side::kRhs ? phase : i), rest);
  MinimumOf(MaximumOf(kFunction(a, b), lo), hi).StorePart(out + i, rest);
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
        factor_a_(I32::Fill(args.factor_lhs)),
        factor_b_(I32::Fill(args.factor_rhs)),
        bias_(I32::Fill(args.bias)),
        shift_(I32::Fill(args.shift)) {}

  void Block(const T* a, const T* b, int64_t, T* out) const {
    I32 q[4];
    TERSOR_UNROLL
    for (int k = 0; k < 4; ++k) {
      const I32 left = Widen(a + k * kLanes) * factor_a_, right = Widen(b + k * kLanes) * factor_b_;
      q[k] = ShiftRightBy(left + right + bias_, shift_);
    }
    narrow_.Store(out, q);
  }

 private:
  Narrow<T> narrow_;
  I32 factor_a_, factor_b_, bias_, shift_;
};

template <typename T>
class AddPeriodic {
 public:
  explicit AddPeriodic(const Binary8Args& args)
      : narrow_(args.zero_out, args.lo, args.hi),
        factor_a_(I32::Fill(args.factor_lhs)),
        bias_(I32::Fill(args.bias)),
        shift_(I32::Fill(args.shift)),
        term_(static_cast<const int32_t*>(args.rhs)) {}

  void Block(const T* a, const T*, int64_t phase, T* out) const {
    I32 q[4];
    TERSOR_UNROLL
    for (int k = 0; k < 4; ++k) {
      const I32 left = Widen(a + k * kLanes) * factor_a_;
      q[k] = ShiftRightBy(left + I32::Load(term_ + phase + k * kLanes) + bias_, shift_);
    }
    narrow_.Store(out, q);
  }

 private:
  Narrow<T> narrow_;
  I32 factor_a_, bias_, shift_;
  const int32_t* term_;
};

// The product of two 9-bit integers is exact in f32, so it may be formed there.
template <typename T>
class MultiplySame {
 public:
  explicit MultiplySame(const Binary8Args& args)
      : narrow_(args.zero_out, args.lo, args.hi),
        zero_a_(I32::Fill(args.zero_lhs)),
        zero_b_(I32::Fill(args.zero_rhs)),
        scale_(F32::Fill(args.scale)) {}

  void Block(const T* a, const T* b, int64_t, T* out) const {
    I32 q[4];
    TERSOR_UNROLL
    for (int k = 0; k < 4; ++k) {
      const F32 left = ToFloat(Widen(a + k * kLanes) - zero_a_);
      const F32 right = ToFloat(Widen(b + k * kLanes) - zero_b_);
      q[k] = ToInt(left * right * scale_);
    }
    narrow_.Store(out, q);
  }

 private:
  Narrow<T> narrow_;
  I32 zero_a_, zero_b_;
  F32 scale_;
};

template <typename T>
class MultiplyPeriodic {
 public:
  explicit MultiplyPeriodic(const Binary8Args& args)
      : narrow_(args.zero_out, args.lo, args.hi),
        zero_a_(I32::Fill(args.zero_lhs)),
        scale_(F32::Fill(args.scale)),
        factor_(static_cast<const float*>(args.rhs)) {}

  void Block(const T* a, const T*, int64_t phase, T* out) const {
    I32 q[4];
    TERSOR_UNROLL
    for (int k = 0; k < 4; ++k) {
      const F32 left = ToFloat(Widen(a + k * kLanes) - zero_a_);
      q[k] = ToInt(left * F32::Load(factor_ + phase + k * kLanes) * scale_);
    }
    narrow_.Store(out, q);
  }

 private:
  Narrow<T> narrow_;
  I32 zero_a_;
  F32 scale_;
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

F32 AddOf(F32 a, F32 b) { return a + b; }
F32 SubtractOf(F32 a, F32 b) { return a - b; }
F32 MultiplyOf(F32 a, F32 b) { return a * b; }
F32 DivideOf(F32 a, F32 b) { return a / b; }

F32 ClampOf(F32 x, const UnaryF32Args& args) {
  return MinimumOf(MaximumOf(x, F32::Fill(args.min)), F32::Fill(args.max));
}
F32 ExpOf(F32 x, const UnaryF32Args&) { return Exp(x); }
F32 NegateOf(F32 x, const UnaryF32Args&) { return F32::Fill(-0.0f) - x; }
F32 ReluOf(F32 x, const UnaryF32Args&) { return MaximumOf(x, F32::Fill(0)); }
F32 Relu6Of(F32 x, const UnaryF32Args&) {
  return MinimumOf(MaximumOf(x, F32::Fill(0)), F32::Fill(6));
}
F32 RsqrtOf(F32 x, const UnaryF32Args&) { return F32::Fill(1) / Sqrt(x); }
F32 SigmoidOf(F32 x, const UnaryF32Args&) {
  return F32::Fill(1) / (F32::Fill(1) + Exp(F32::Fill(-0.0f) - x));
}
F32 SqrtOf(F32 x, const UnaryF32Args&) { return Sqrt(x); }

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
  binary(Binary::kMaximum) = MakeBinary<MaximumOf>();
  binary(Binary::kMinimum) = MakeBinary<MinimumOf>();
  binary(Binary::kMultiply) = MakeBinary<MultiplyOf>();
  binary(Binary::kSubtract) = MakeBinary<SubtractOf>();
  loops.i8 = MakeBinary8<int8_t>();
  loops.u8 = MakeBinary8<uint8_t>();
  return loops;
}

constexpr Loops kLoops = MakeLoops();

}  // namespace
}  // namespace tersor::kernels::elementwise
