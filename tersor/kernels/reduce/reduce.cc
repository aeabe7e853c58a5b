#include "tersor/kernels/reduce/reduce.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "tersor/kernels/integer_arithmetic.h"
#include "tersor/kernels/reduce/loops.h"

namespace tersor::kernels::reduce {
namespace {

constexpr int kMaxRank = 8;

enum class Operator { kSum, kMean };

/// The operand as rows of elements that are all kept or all reduced; neighbouring axes of one kind
/// are merged.
struct Plan {
  int rank = 0;
  std::array<int64_t, kMaxRank> extents{};
  std::array<int64_t, kMaxRank> steps{};  ///< in the result; 0 along a reduced axis
  int64_t count = 1;                      ///< elements reduced into one
  int64_t results = 1;
  int64_t rows = 1;
  int64_t row = 1;  ///< elements of a row
  bool row_is_kept = true;

  static std::optional<Plan> Make(const Shape& shape, const std::vector<int64_t>& axes) {
    if (shape.rank() > kMaxRank) return std::nullopt;
    std::array<bool, kMaxRank> reduced{};
    for (int64_t axis : axes) {
      if (axis < 0) axis += shape.rank();
      if (axis < 0 || axis >= shape.rank()) return std::nullopt;
      reduced[static_cast<size_t>(axis)] = true;
    }
    Plan plan;
    std::array<bool, kMaxRank> kinds{};
    for (int axis = 0; axis < shape.rank(); ++axis) {
      const bool is_reduced = reduced[static_cast<size_t>(axis)];
      (is_reduced ? plan.count : plan.results) *= shape[axis];
      if (plan.rank > 0 && kinds[plan.Last()] == is_reduced) {
        plan.extents[plan.Last()] *= shape[axis];
      } else {
        ++plan.rank;
        plan.extents[plan.Last()] = shape[axis];
        kinds[plan.Last()] = is_reduced;
      }
    }
    if (plan.rank == 0) {
      plan.rank = 1;
      plan.extents[0] = 1;
    }
    int64_t step = 1;
    for (int axis = plan.rank - 1; axis >= 0; --axis) {
      const auto k = static_cast<size_t>(axis);
      if (kinds[k]) continue;
      plan.steps[k] = step;
      step *= plan.extents[k];
    }
    plan.row = plan.extents[plan.Last()];
    plan.row_is_kept = !kinds[plan.Last()];
    for (int axis = 0; axis + 1 < plan.rank; ++axis) {
      plan.rows *= plan.extents[static_cast<size_t>(axis)];
    }
    return plan;
  }

  size_t Last() const { return static_cast<size_t>(rank - 1); }

  /// body(first element of the row, its first result), row after row.
  template <typename Body>
  void ForEachRow(const Body& body) const {
    std::array<int64_t, kMaxRank> at{};
    int64_t result = 0;
    for (int64_t index = 0; index < rows; ++index) {
      body(index * row, result);
      for (int axis = rank - 2; axis >= 0; --axis) {
        const auto k = static_cast<size_t>(axis);
        result += steps[k];
        if (++at[k] < extents[k]) break;
        result -= steps[k] * extents[k];
        at[k] = 0;
      }
    }
  }

  /// Adds every element to its sum, sums zeroed before.
  template <typename T, typename Sum>
  void AddAll(const T* in, Sum* sums, void (*add)(const T*, int64_t, Sum*),
              Sum (*sum)(const T*, int64_t)) const {
    std::fill_n(sums, results, Sum{0});
    if (row_is_kept) {
      ForEachRow([&](int64_t first, int64_t result) { add(in + first, row, sums + result); });
    } else {
      ForEachRow([&](int64_t first, int64_t result) { sums[result] += sum(in + first, row); });
    }
  }
};

class SumF32 final : public Kernel {
 public:
  SumF32(const Plan& plan, const Loops& loops, bool mean)
      : plan_(plan), loops_(loops), divisor_(mean ? static_cast<double>(plan.count) : 1.0) {}

  size_t scratch_bytes() const override {
    return static_cast<size_t>(plan_.results) * sizeof(double);
  }
  void Run(const KernelCall& call) const override {
    auto* sums = static_cast<double*>(call.scratch);
    plan_.AddAll(call.operands[0].as<float>(), sums, loops_.add_f32, loops_.sum_f32);
    float* out = call.results[0].as<float>();
    for (int64_t i = 0; i < plan_.results; ++i) out[i] = static_cast<float>(sums[i] / divisor_);
  }

 private:
  Plan plan_;
  const Loops& loops_;
  double divisor_;
};

template <typename T>
class SumQuantized final : public Kernel {
 public:
  using Add = void (*)(const T*, int64_t, int32_t*);
  using Sum = int32_t (*)(const T*, int64_t);

  SumQuantized(const Plan& plan, Add add, Sum sum, bool mean, const KernelSpec& spec)
      : plan_(plan),
        add_(add),
        sum_(sum),
        rescale_(MakeMeanRescale(ScaleOf(*spec.operands[0].type),
                                 ZeroPointOf(*spec.operands[0].type), ScaleOf(spec.results[0]),
                                 ZeroPointOf(spec.results[0]), plan.count, mean ? plan.count : 1)) {
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(plan_.results) * sizeof(int32_t);
  }
  void Run(const KernelCall& call) const override {
    auto* sums = static_cast<int32_t*>(call.scratch);
    plan_.AddAll(call.operands[0].as<T>(), sums, add_, sum_);
    T* out = call.results[0].as<T>();
    for (int64_t i = 0; i < plan_.results; ++i) {
      out[i] = static_cast<T>(rescale_.Apply(sums[i], RangeOf(DTypeOf<T>)));
    }
  }

 private:
  Plan plan_;
  Add add_;
  Sum sum_;
  MeanRescale rescale_;
};

template <typename T>
class SumInteger final : public Kernel {
 public:
  explicit SumInteger(const Plan& plan) : plan_(plan) {}

  void Run(const KernelCall& call) const override {
    using Bits = std::make_unsigned_t<T>;  // wraps
    const auto* in = call.operands[0].as<Bits>();
    auto* out = call.results[0].as<Bits>();
    plan_.AddAll<Bits, Bits>(
        in, out,
        [](const Bits* row, int64_t count, Bits* sums) {
          for (int64_t i = 0; i < count; ++i) sums[i] += row[i];
        },
        [](const Bits* row, int64_t count) {
          Bits sum = 0;
          for (int64_t i = 0; i < count; ++i) sum += row[i];
          return sum;
        });
  }

 private:
  Plan plan_;
};

template <typename T>
class Max final : public Kernel {
 public:
  Max(const Plan& plan, const KernelSpec& spec)
      : plan_(plan),
        quantized_(spec.results[0].quantization.has_value()),
        multiplier_(RescaleMultiplier(ScaleOf(*spec.operands[0].type), ScaleOf(spec.results[0]))),
        zero_in_(ZeroPointOf(*spec.operands[0].type)),
        zero_out_(ZeroPointOf(spec.results[0])) {}

  void Run(const KernelCall& call) const override {
    const T* in = call.operands[0].as<T>();
    T* out = call.results[0].as<T>();
    std::fill_n(out, plan_.results, Smallest());
    plan_.ForEachRow([&](int64_t first, int64_t result) {
      for (int64_t i = 0; i < plan_.row; ++i) {
        T& largest = out[plan_.row_is_kept ? result + i : result];
        largest = Larger(largest, in[first + i]);
      }
    });
    if constexpr (sizeof(T) == 1) {
      if (!quantized_) return;
      for (int64_t i = 0; i < plan_.results; ++i) {
        out[i] = static_cast<T>(
            Requantize(out[i] - zero_in_, multiplier_, zero_out_, RangeOf(DTypeOf<T>)));
      }
    }
  }

 private:
  static T Smallest() {
    if constexpr (std::is_floating_point_v<T>) return -std::numeric_limits<T>::infinity();
    return std::numeric_limits<T>::lowest();
  }
  static T Larger(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) return a >= b || std::isnan(a) ? a : b;
    return std::max(a, b);
  }

  Plan plan_;
  bool quantized_;
  float multiplier_;
  int32_t zero_in_, zero_out_;
};

/// The plan of a case of this family; none where it is not.
std::optional<Plan> PlanOf(const KernelSpec& spec) {
  if (spec.operands.size() != 1 || spec.results.size() != 1 || !spec.epilogue.empty() ||
      spec.operands[0].type == nullptr || spec.attributes == nullptr) {
    return std::nullopt;
  }
  const TensorType &in = *spec.operands[0].type, &out = spec.results[0];
  if (in.dtype != out.dtype || in.quantization.has_value() != out.quantization.has_value()) {
    return std::nullopt;
  }
  if (in.quantization && !(IsPerTensor(in) && IsPerTensor(out) && DTypeBits(in.dtype) == 8)) {
    return std::nullopt;
  }
  auto plan = Plan::Make(in.shape, spec.attributes->Ints(Attr::axes));
  if (plan && plan->results != out.shape.num_elements()) return std::nullopt;
  return plan;
}

template <Operator kOperator, const Loops& kLoops>
std::unique_ptr<Kernel> MakeSum(const KernelSpec& spec) {
  const auto plan = PlanOf(spec);
  if (!plan) return nullptr;
  constexpr bool kIsMean = kOperator == Operator::kMean;
  constexpr int64_t kLargestCount = INT32_MAX / 512;  // elements of 8 bits whose sum fits int32
  const TensorType& type = spec.results[0];
  if (type.dtype == DType::kF32) return std::make_unique<SumF32>(*plan, kLoops, kIsMean);
  if (type.quantization) {
    if (plan->count > kLargestCount || std::abs(ZeroPointOf(*spec.operands[0].type)) > 255) {
      return nullptr;
    }
    if (type.dtype == DType::kI8) {
      return std::make_unique<SumQuantized<int8_t>>(*plan, kLoops.add_i8, kLoops.sum_i8, kIsMean,
                                                    spec);
    }
    return std::make_unique<SumQuantized<uint8_t>>(*plan, kLoops.add_u8, kLoops.sum_u8, kIsMean,
                                                   spec);
  }
  // Loops for plain integers exist once, in the last row.
  if (kIsMean || &kLoops != &kReferenceLoops) return nullptr;
  if (type.dtype == DType::kI32) return std::make_unique<SumInteger<int32_t>>(*plan);
  if (type.dtype == DType::kI64) return std::make_unique<SumInteger<int64_t>>(*plan);
  return nullptr;
}

std::unique_ptr<Kernel> MakeMax(const KernelSpec& spec) {
  const auto plan = PlanOf(spec);
  if (!plan) return nullptr;
  switch (spec.results[0].dtype) {
    case DType::kF32:
      return std::make_unique<Max<float>>(*plan, spec);
    case DType::kI8:
      return std::make_unique<Max<int8_t>>(*plan, spec);
    case DType::kU8:
      return std::make_unique<Max<uint8_t>>(*plan, spec);
    case DType::kI32:
      return std::make_unique<Max<int32_t>>(*plan, spec);
    case DType::kI64:
      return std::make_unique<Max<int64_t>>(*plan, spec);
    default:
      return nullptr;
  }
}

constexpr KernelRow kMaxRows[] = {{"reduce", "reference", CpuLevel::kAny, MakeMax}};
constexpr KernelRow kMeanRows[] = {
#define LOOPS(name, cpu_level, loops) \
  {"reduce", #name, CpuLevel::cpu_level, MakeSum<Operator::kMean, loops>},
#include "tersor/kernels/reduce/kernels.inc"
#undef LOOPS
};
constexpr KernelRow kSumRows[] = {
#define LOOPS(name, cpu_level, loops) \
  {"reduce", #name, CpuLevel::cpu_level, MakeSum<Operator::kSum, loops>},
#include "tersor/kernels/reduce/kernels.inc"
#undef LOOPS
};

}  // namespace

std::span<const KernelRow> ReduceMaxRows() { return kMaxRows; }
std::span<const KernelRow> ReduceMeanRows() { return kMeanRows; }
std::span<const KernelRow> ReduceSumRows() { return kSumRows; }

}  // namespace tersor::kernels::reduce
