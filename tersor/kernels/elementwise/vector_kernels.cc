#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "tersor/kernels/elementwise/broadcast.h"
#include "tersor/kernels/elementwise/makers.h"
#include "tersor/kernels/elementwise/real_attributes.h"
#include "tersor/kernels/integer_arithmetic.h"

namespace tersor::kernels::elementwise {
namespace {

/// A task with fewer bytes of result than this costs more to hand over than it saves.
constexpr int64_t kTaskBytes = 16 * 1024;
constexpr int64_t kTaskAlignment = 64;  // elements

int TaskCount(int64_t bytes, int threads) {
  return static_cast<int>(std::clamp<int64_t>(bytes / kTaskBytes, 1, threads));
}

/// body(task, begin, end) over [0, count) in `tasks` parts that begin at multiples of the
/// alignment.
template <typename Body>
void ForEachPart(ThreadPool& pool, int tasks, int64_t count, const Body& body) {
  const int64_t part = (count / tasks + kTaskAlignment) / kTaskAlignment * kTaskAlignment;
  pool.Run(tasks, [&](int task) {
    const int64_t begin = std::min(count, task * part);
    const int64_t end = task == tasks - 1 ? count : std::min(count, begin + part);
    if (begin < end) body(task, begin, end);
  });
}

class UnaryF32 final : public Kernel {
 public:
  UnaryF32(void (*loop)(const UnaryF32Args&), const KernelSpec& spec)
      : loop_(loop),
        count_(spec.results[0].shape.num_elements()),
        tasks_(TaskCount(count_ * 4, spec.threads)) {
    const RealAttributes attributes(spec.attributes);
    min_ = static_cast<float>(attributes.min);
    max_ = static_cast<float>(attributes.max);
  }

  void Run(const KernelCall& call) const override {
    const float* in = call.operands[0].as<float>();
    float* out = call.results[0].as<float>();
    ForEachPart(*call.pool, tasks_, count_, [&](int, int64_t begin, int64_t end) {
      loop_({in + begin, out + begin, end - begin, min_, max_});
    });
  }

 private:
  void (*loop_)(const UnaryF32Args&);
  int64_t count_;
  int tasks_;
  float min_, max_;
};

/// The walk that binary kernels share. Its periodic operand, if any, is turned into an array of
/// floats with a tail: when the kernel is made if it is constant, else in scratch.
class BinaryWalk {
 public:
  BinaryWalk(const KernelSpec& spec, int element_bytes)
      : plan_(Broadcast::Plan(spec.operands[0].shape(), spec.operands[1].shape())) {
    period_ = std::max(plan_.lhs_period, plan_.rhs_period);
    tasks_ = TaskCount(plan_.run * plan_.runs() * element_bytes, spec.threads);
  }

  bool lhs_periodic() const { return plan_.lhs_period != Broadcast::kDense; }
  bool rhs_periodic() const { return plan_.rhs_period != Broadcast::kDense; }
  bool periodic() const { return period_ != 0; }
  int64_t period() const { return period_; }

  /// fill(floats, first element of the periodic operand) writes period() floats.
  template <typename Fill>
  void Pack(const KernelSpec& spec, const Fill& fill) {
    const ConstTensorView& operand = spec.operands[lhs_periodic() ? 0 : 1];
    if (!periodic() || operand.data == nullptr || !plan_.outer.empty()) return;
    packed_.resize(static_cast<size_t>(period_ + kPeriodTail));
    fill(packed_.data(), 0, operand.data);
    Extend(packed_.data());
  }

  size_t packed_bytes() const { return packed_.size() * sizeof(float); }
  size_t scratch_bytes() const {
    return periodic() && packed_.empty()
               ? static_cast<size_t>(tasks_) * TaskFloats() * sizeof(float)
               : 0;
  }

  /// part(floats of the periodic operand, phase, offsets of the dense operands and of the result,
  /// count)
  template <typename Fill, typename Part>
  void Run(const KernelCall& call, const Fill& fill, const Part& part) const {
    if (plan_.outer.empty()) {
      ForEachPart(*call.pool, tasks_, plan_.run, [&](int task, int64_t begin, int64_t end) {
        const float* floats = Floats(call, fill, task, {0, 0});
        part(floats, periodic() ? begin % period_ : 0,
             Broadcast::Offsets{lhs_periodic() ? 0 : begin, rhs_periodic() ? 0 : begin}, begin,
             end - begin);
      });
      return;
    }
    const int64_t runs = plan_.runs();
    call.pool->Run(tasks_, [&](int task) {
      for (int64_t run = runs * task / tasks_; run < runs * (task + 1) / tasks_; ++run) {
        const Broadcast::Offsets offsets = plan_.OffsetsOf(run);
        part(Floats(call, fill, task, offsets), int64_t{0}, offsets, run * plan_.run, plan_.run);
      }
    });
  }

 private:
  size_t TaskFloats() const { return static_cast<size_t>((period_ + kPeriodTail + 15) / 16 * 16); }

  void Extend(float* floats) const {
    for (int64_t i = period_; i < period_ + kPeriodTail; ++i) floats[i] = floats[i - period_];
  }

  template <typename Fill>
  const float* Floats(const KernelCall& call, const Fill& fill, int task,
                      Broadcast::Offsets offsets) const {
    if (!periodic()) return nullptr;
    if (!packed_.empty()) return packed_.data();
    float* floats = static_cast<float*>(call.scratch) + static_cast<size_t>(task) * TaskFloats();
    if (lhs_periodic()) {
      fill(floats, offsets.lhs, call.operands[0].data);
    } else {
      fill(floats, offsets.rhs, call.operands[1].data);
    }
    Extend(floats);
    return floats;
  }

  Broadcast plan_;
  int64_t period_;
  int tasks_;
  std::vector<float> packed_;
};

class BinaryF32 final : public Kernel {
 public:
  BinaryF32(const BinaryF32Loops& loops, const KernelSpec& spec)
      : walk_(spec, sizeof(float)),
        loop_(walk_.lhs_periodic()   ? loops.periodic_lhs
              : walk_.rhs_periodic() ? loops.periodic_rhs
                                     : loops.same),
        lo_(BoundsOf(ActivationOf(spec)).low),
        hi_(BoundsOf(ActivationOf(spec)).high) {
    walk_.Pack(spec, Fill{walk_.period()});
  }

  size_t scratch_bytes() const override { return walk_.scratch_bytes(); }
  size_t packed_bytes() const override { return walk_.packed_bytes(); }

  void Run(const KernelCall& call) const override {
    const float* lhs = call.operands[0].as<float>();
    const float* rhs = call.operands[1].as<float>();
    float* out = call.results[0].as<float>();
    walk_.Run(call, Fill{walk_.period()},
              [&](const float* floats, int64_t phase, Broadcast::Offsets offsets, int64_t first,
                  int64_t count) {
                loop_({walk_.lhs_periodic() ? floats : lhs + offsets.lhs,
                       walk_.rhs_periodic() ? floats : rhs + offsets.rhs, out + first, count,
                       walk_.period(), phase, lo_, hi_});
              });
  }

 private:
  struct Fill {
    int64_t period;
    void operator()(float* floats, int64_t first, const void* data) const {
      std::copy_n(static_cast<const float*>(data) + first, period, floats);
    }
  };

  BinaryWalk walk_;
  void (*loop_)(const BinaryF32Args&);
  float lo_, hi_;
};

/// Add, subtract (add with the second factor negated) and multiply of 8-bit integers.
template <typename T>
class Binary8 final : public Kernel {
 public:
  Binary8(Binary op, const Binary8Loops& loops, const KernelSpec& spec) : walk_(spec, 1) {
    const TensorType &lhs = *spec.operands[0].type, &rhs = *spec.operands[1].type;
    const TensorType& out = spec.results[0];
    const IntegerRange range = ActivationRange(out, ActivationOf(spec));
    args_ = {};
    args_.period = walk_.period();
    args_.zero_lhs = ZeroPointOf(lhs);
    args_.zero_rhs = ZeroPointOf(rhs);
    args_.zero_out = ZeroPointOf(out);
    args_.lo = range.lo;
    args_.hi = range.hi;
    fill_.period = walk_.period();
    if (op == Binary::kMultiply) {
      loop_ = walk_.periodic() ? loops.multiply_periodic : loops.multiply_same;
      args_.scale = ProductMultiplier(ScaleOf(lhs), ScaleOf(rhs), ScaleOf(out));
      largest_ = 255.0f * 255.0f * args_.scale;
      fill_.zero = walk_.lhs_periodic() ? args_.zero_lhs : args_.zero_rhs;
    } else {
      loop_ = walk_.periodic() ? loops.add_periodic : loops.add_same;
      const AddFactors factors =
          MakeAddFactors(ScaleOf(lhs), ScaleOf(rhs), ScaleOf(out), op == Binary::kSubtract);
      args_.factor_lhs = factors.a;
      args_.factor_rhs = factors.b;
      args_.shift = factors.shift;
      args_.bias = factors.rounding() - args_.zero_lhs * factors.a - args_.zero_rhs * factors.b;
      fill_.adds = true;
      fill_.factor = walk_.lhs_periodic() ? factors.a : factors.b;
      largest_ = 0;
    }
    if (walk_.lhs_periodic()) {  // the dense operand stands on the left
      std::swap(args_.zero_lhs, args_.zero_rhs);
      std::swap(args_.factor_lhs, args_.factor_rhs);
    }
    walk_.Pack(spec, fill_);
  }

  /// Whether every result before the zero point fits int32, which the loops rely on.
  bool Fits() const { return largest_ < 0x1p31f; }

  size_t scratch_bytes() const override { return walk_.scratch_bytes(); }
  size_t packed_bytes() const override { return walk_.packed_bytes(); }

  void Run(const KernelCall& call) const override {
    const T* lhs = call.operands[0].as<T>();
    const T* rhs = call.operands[1].as<T>();
    T* out = call.results[0].as<T>();
    walk_.Run(call, fill_,
              [&](const float* floats, int64_t phase, Broadcast::Offsets offsets, int64_t first,
                  int64_t count) {
                Binary8Args args = args_;
                args.lhs = walk_.lhs_periodic() ? rhs + offsets.rhs : lhs + offsets.lhs;
                args.rhs = walk_.periodic() ? static_cast<const void*>(floats) : rhs + offsets.rhs;
                args.out = out + first;
                args.count = count;
                args.phase = phase;
                loop_(args);
              });
  }

 private:
  // The words of a periodic operand: for add q * factor, for multiply q - zero as f32.
  struct Fill {
    int64_t period;
    bool adds = false;
    int32_t zero = 0, factor = 0;
    void operator()(float* words, int64_t first, const void* data) const {
      const T* q = static_cast<const T*>(data) + first;
      for (int64_t i = 0; i < period; ++i) {
        words[i] = adds ? std::bit_cast<float>(q[i] * factor) : static_cast<float>(q[i] - zero);
      }
    }
  };

  BinaryWalk walk_;
  Fill fill_;
  Binary8Args args_;
  void (*loop_)(const Binary8Args&);
  float largest_;
};

template <typename T>
std::unique_ptr<Kernel> MakeBinary8(Binary op, const Binary8Loops& loops, const KernelSpec& spec) {
  const IntegerRange range = RangeOf(DTypeOf<T>);
  const auto in_range = [&](const TensorType& type) {
    return ZeroPointOf(type) >= range.lo && ZeroPointOf(type) <= range.hi;
  };
  if (!in_range(*spec.operands[0].type) || !in_range(*spec.operands[1].type) ||
      !in_range(spec.results[0])) {
    return nullptr;
  }
  auto kernel = std::make_unique<Binary8<T>>(op, loops, spec);
  return kernel->Fits() ? std::move(kernel) : nullptr;
}

}  // namespace

bool HasLoop(const Loops& loops, Unary op) {
  return loops.unary_f32[static_cast<int>(op)] != nullptr;
}

bool HasLoop(const Loops& loops, Binary op) {
  return loops.binary_f32[static_cast<int>(op)].same != nullptr;
}

std::unique_ptr<Kernel> MakeVectorUnary(Unary op, const Loops& loops, const KernelSpec& spec) {
  if (!IsElementwise(spec, 1) || spec.results[0].dtype != DType::kF32) return nullptr;
  return std::make_unique<UnaryF32>(loops.unary_f32[static_cast<int>(op)], spec);
}

std::unique_ptr<Kernel> MakeVectorBinary(Binary op, const Loops& loops, const KernelSpec& spec) {
  if (!IsElementwise(spec, 2)) return nullptr;
  const TensorType& type = spec.results[0];
  if (type.dtype == DType::kF32) {
    return std::make_unique<BinaryF32>(loops.binary_f32[static_cast<int>(op)], spec);
  }
  if (op != Binary::kAdd && op != Binary::kSubtract && op != Binary::kMultiply) return nullptr;
  if (!type.quantization) return nullptr;
  if (type.dtype == DType::kI8) return MakeBinary8<int8_t>(op, loops.i8, spec);
  if (type.dtype == DType::kU8) return MakeBinary8<uint8_t>(op, loops.u8, spec);
  return nullptr;
}

}  // namespace tersor::kernels::elementwise
