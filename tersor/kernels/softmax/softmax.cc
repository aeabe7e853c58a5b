#include "tersor/kernels/softmax/softmax.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "tersor/kernels/integer_arithmetic.h"
#include "tersor/kernels/softmax/loops.h"

namespace tersor::kernels::softmax {
namespace {

struct Extents {
  int64_t rows = 0, columns = 0;
};

/// False where the case is not of this family.
bool ReadExtents(const KernelSpec& spec, Extents& extents) {
  if (spec.operands.size() != 1 || spec.results.size() != 1 || !spec.epilogue.empty()) return false;
  const TensorType &in = *spec.operands[0].type, &out = spec.results[0];
  if (in.dtype != out.dtype || in.shape != out.shape || in.shape.rank() == 0) return false;
  extents.columns = in.shape[in.shape.rank() - 1];
  if (extents.columns == 0) return false;
  extents.rows = in.shape.num_elements() / extents.columns;
  if (in.dtype == DType::kF32) return true;
  return (in.dtype == DType::kI8 || in.dtype == DType::kU8) && IsPerTensor(in) && IsPerTensor(out);
}

/// The largest element of a row, and the sum of exponentials around it.
struct RowFacts {
  double largest, sum;

  template <typename Read>
  RowFacts(int64_t columns, const Read& read) : largest(read(0)), sum(0) {
    for (int64_t i = 1; i < columns; ++i) largest = std::max<double>(largest, read(i));
    for (int64_t i = 0; i < columns; ++i) sum += std::exp(read(i) - largest);
  }
  double Softmax(double x) const { return std::exp(x - largest) / sum; }
  double LogSoftmax(double x) const { return (x - largest) - std::log(sum); }
};

template <bool kLog>
class ReferenceF32 final : public Kernel {
 public:
  explicit ReferenceF32(Extents extents) : e_(extents) {}

  void Run(const KernelCall& call) const override {
    const float* in = call.operands[0].as<float>();
    float* out = call.results[0].as<float>();
    for (int64_t row = 0; row < e_.rows; ++row, in += e_.columns, out += e_.columns) {
      const RowFacts facts(e_.columns, [&](int64_t i) { return double{in[i]}; });
      for (int64_t i = 0; i < e_.columns; ++i) {
        out[i] = static_cast<float>(kLog ? facts.LogSoftmax(in[i]) : facts.Softmax(in[i]));
      }
    }
  }

 private:
  Extents e_;
};

template <typename T>
class Softmax8 final : public Kernel {
 public:
  Softmax8(Extents extents, const KernelSpec& spec)
      : e_(extents),
        inverse_scale_(InverseScale(ScaleOf(spec.results[0]))),
        zero_point_(ZeroPointOf(spec.results[0])) {
    const double scale = ScaleOf(*spec.operands[0].type);
    for (int distance = 0; distance < 256; ++distance) {
      exponentials_[static_cast<size_t>(distance)] =
          static_cast<float>(std::exp(-scale * distance));
    }
  }

  void Run(const KernelCall& call) const override {
    const T* in = call.operands[0].as<T>();
    T* out = call.results[0].as<T>();
    const IntegerRange range = RangeOf(DTypeOf<T>);
    for (int64_t row = 0; row < e_.rows; ++row, in += e_.columns, out += e_.columns) {
      const int largest = *std::max_element(in, in + e_.columns);
      const auto exponential = [&](int64_t i) {
        return exponentials_[static_cast<size_t>(largest - in[i])];
      };
      float sum = 0;
      for (int64_t i = 0; i < e_.columns; ++i) sum += exponential(i);
      for (int64_t i = 0; i < e_.columns; ++i) {
        const float x = exponential(i) / sum * inverse_scale_;
        out[i] = static_cast<T>(RoundShiftClamp(x, zero_point_, range));
      }
    }
  }

 private:
  Extents e_;
  float inverse_scale_;
  int32_t zero_point_;
  std::array<float, 256> exponentials_;
};

template <typename T>
class LogSoftmax8 final : public Kernel {
 public:
  LogSoftmax8(Extents extents, const KernelSpec& spec)
      : e_(extents),
        scale_in_(ScaleOf(*spec.operands[0].type)),
        inverse_scale_(InverseScale(ScaleOf(spec.results[0]))),
        zero_in_(ZeroPointOf(*spec.operands[0].type)),
        zero_out_(ZeroPointOf(spec.results[0])) {}

  void Run(const KernelCall& call) const override {
    const T* in = call.operands[0].as<T>();
    T* out = call.results[0].as<T>();
    for (int64_t row = 0; row < e_.rows; ++row, in += e_.columns, out += e_.columns) {
      const auto read = [&](int64_t i) { return DequantizeValue(in[i], scale_in_, zero_in_); };
      const RowFacts facts(e_.columns, read);
      for (int64_t i = 0; i < e_.columns; ++i) {
        const auto y = static_cast<float>(facts.LogSoftmax(read(i)));
        out[i] = static_cast<T>(QuantizeValue(y, inverse_scale_, zero_out_, RangeOf(DTypeOf<T>)));
      }
    }
  }

 private:
  Extents e_;
  float scale_in_, inverse_scale_;
  int32_t zero_in_, zero_out_;
};

class VectorF32 final : public Kernel {
 public:
  VectorF32(Extents extents, const Loops& loops, int threads)
      : e_(extents), softmax_(loops.softmax) {
    constexpr int64_t kTaskElements = 4096;
    tasks_ = static_cast<int>(
        std::clamp<int64_t>(std::min(e_.rows * e_.columns / kTaskElements, e_.rows), 1, threads));
  }

  void Run(const KernelCall& call) const override {
    const float* in = call.operands[0].as<float>();
    float* out = call.results[0].as<float>();
    call.pool->Run(tasks_, [&](int task) {
      const int64_t begin = e_.rows * task / tasks_, end = e_.rows * (task + 1) / tasks_;
      softmax_(in + begin * e_.columns, out + begin * e_.columns, end - begin, e_.columns);
    });
  }

 private:
  Extents e_;
  void (*softmax_)(const float*, float*, int64_t, int64_t);
  int tasks_;
};

template <const Loops& kLoops>
std::unique_ptr<Kernel> MakeVector(const KernelSpec& spec) {
  Extents extents;
  if (!ReadExtents(spec, extents) || spec.results[0].dtype != DType::kF32) return nullptr;
  return std::make_unique<VectorF32>(extents, kLoops, spec.threads);
}

template <bool kLog>
std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec) {
  Extents extents;
  if (!ReadExtents(spec, extents)) return nullptr;
  if (spec.results[0].dtype == DType::kF32) return std::make_unique<ReferenceF32<kLog>>(extents);
  const bool is_signed = spec.results[0].dtype == DType::kI8;
  if constexpr (kLog) {
    if (is_signed) return std::make_unique<LogSoftmax8<int8_t>>(extents, spec);
    return std::make_unique<LogSoftmax8<uint8_t>>(extents, spec);
  } else {
    if (is_signed) return std::make_unique<Softmax8<int8_t>>(extents, spec);
    return std::make_unique<Softmax8<uint8_t>>(extents, spec);
  }
}

constexpr KernelRow kSoftmaxRows[] = {
#define LOOPS(name, cpu_level, loops) {"softmax", #name, CpuLevel::cpu_level, MakeVector<loops>},
#include "tersor/kernels/softmax/kernels.inc"
#undef LOOPS
    {"softmax", "reference", CpuLevel::kAny, MakeReference<false>},
};
constexpr KernelRow kLogSoftmaxRows[] = {
    {"softmax", "reference", CpuLevel::kAny, MakeReference<true>},
};

}  // namespace

std::span<const KernelRow> SoftmaxRows() { return kSoftmaxRows; }
std::span<const KernelRow> LogSoftmaxRows() { return kLogSoftmaxRows; }

}  // namespace tersor::kernels::softmax
