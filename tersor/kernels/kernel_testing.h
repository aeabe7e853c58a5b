// For the tests and benchmarks of kernels: one case of an operator with its data, run by any row.
//
//   OperatorCase c;
//   c.Operand({2, 8, 8, 3}, RandomValues<float>(2 * 8 * 8 * 3, 1)).Result({DType::kF32, {2, 4, 4,
//   3}, {}}); c.attributes.Set(Attr::window, std::vector<int64_t>{2, 2}); auto run = c.Run(row); //
//   nullopt: the row's maker refused the case run->results[0].values<float>()
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "tersor/base/cpu.h"
#include "tersor/base/random.h"
#include "tersor/kernels/kernel.h"

namespace tersor::kernels::testing {

/// Floats: uniform in [-1, 1). Integers: uniform over the whole type.
template <typename T>
std::vector<T> RandomValues(int64_t count, uint64_t seed) {
  Random random(seed, 0x7465'7374);
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values) {
    if constexpr (std::is_floating_point_v<T>) {
      value = static_cast<T>(random.NextFloat() * 2 - 1);
    } else {
      value = static_cast<T>(random.NextU32());
    }
  }
  return values;
}

/// Rows that this machine can run.
inline std::vector<KernelRow> AvailableRows(std::span<const KernelRow> rows) {
  std::vector<KernelRow> available;
  for (const KernelRow& row : rows) {
    if (CpuFeatures::Machine().Has(row.level)) available.push_back(row);
  }
  return available;
}

class OperatorCase {
 public:
  struct Outcome {
    std::vector<Tensor> results;
    std::vector<Tensor> operands;  ///< after the run: what became of variables
  };

  Attributes attributes;
  ThreadPool* pool = nullptr;  ///< null: a pool of one thread
  Collective* shards = nullptr;
  int shard = 0;
  int64_t first_example = 0;

  template <typename T>
  OperatorCase& Operand(Shape shape, const std::vector<T>& values) {
    return Operand({DTypeOf<T>, std::move(shape), {}}, values);
  }
  template <typename T>
  OperatorCase& Operand(TensorType type, const std::vector<T>& values) {
    operands_.push_back(Tensor::FromValues<T>(std::move(type), values).value());
    constant_.push_back(false);
    return *this;
  }
  template <typename T>
  OperatorCase& Constant(Shape shape, const std::vector<T>& values) {
    return Constant({DTypeOf<T>, std::move(shape), {}}, values);
  }
  template <typename T>
  OperatorCase& Constant(TensorType type, const std::vector<T>& values) {
    Operand(std::move(type), values);
    constant_.back() = true;
    return *this;
  }
  OperatorCase& Absent() {
    operands_.emplace_back();
    constant_.push_back(false);
    return *this;
  }
  OperatorCase& Result(TensorType type) {
    result_types_.push_back(std::move(type));
    return *this;
  }
  OperatorCase& Result(Shape shape) { return Result({DType::kF32, std::move(shape), {}}); }

  /// The row's kernel for this case, or null when it refuses.
  std::unique_ptr<Kernel> Make(const KernelRow& row) const {
    const auto views = Views(operands_, true);
    return row.make({.operands = views,
                     .results = result_types_,
                     .attributes = &attributes,
                     .epilogue = {},
                     .threads = pool ? pool->threads() : 1});
  }

  /// Runs the row on copies of the operands. Results and scratch hold NaNs (bytes 0xff) before;
  /// bytes behind the results must stay as they were.
  std::optional<Outcome> Run(const KernelRow& row) const {
    const auto kernel = Make(row);
    if (kernel == nullptr) return std::nullopt;
    return Run(*kernel);
  }

  Outcome Run(const Kernel& kernel) const {
    bool again = true;
    return Repeat(kernel, [&] { return std::exchange(again, false); });
  }

  /// Runs while `more()` says so, on the same copies.
  template <typename More>
  Outcome Repeat(const Kernel& kernel, More more) const {
    Outcome outcome;
    for (const Tensor& operand : operands_) {
      outcome.operands.push_back(operand.empty() ? Tensor() : operand.Clone().value());
    }
    constexpr size_t kGuardBytes = 64;
    std::vector<std::shared_ptr<Buffer>> buffers;
    std::vector<TensorView> results;
    for (const TensorType& type : result_types_) {
      const auto size = static_cast<size_t>(type.size_bytes());
      buffers.push_back(Buffer::Allocate(size + kGuardBytes).value());
      std::memset(buffers.back()->data(), 0xff, size + kGuardBytes);
      results.push_back({&type, buffers.back()->data()});
    }
    const auto scratch = Buffer::Allocate(kernel.scratch_bytes() + kGuardBytes).value();
    std::memset(scratch->data(), 0xff, kernel.scratch_bytes() + kGuardBytes);
    ThreadPool single;
    const auto views = Views(outcome.operands, false);
    const KernelCall call = {.operands = views,
                             .results = results,
                             .scratch = scratch->data(),
                             .pool = pool ? pool : &single,
                             .shards = shards,
                             .shard = shard,
                             .first_example = first_example};
    while (more()) kernel.Run(call);
    CheckGuard(*scratch, kernel.scratch_bytes(), kGuardBytes);
    for (size_t i = 0; i < results.size(); ++i) {
      const auto size = static_cast<size_t>(result_types_[i].size_bytes());
      CheckGuard(*buffers[i], size, kGuardBytes);
      const auto* bytes = static_cast<const std::byte*>(buffers[i]->data());
      outcome.results.push_back(Tensor::FromBytes(result_types_[i], {bytes, size}).value());
    }
    return outcome;
  }

 private:
  std::vector<ConstTensorView> Views(const std::vector<Tensor>& tensors, bool for_maker) const {
    std::vector<ConstTensorView> views;
    for (size_t i = 0; i < tensors.size(); ++i) {
      ConstTensorView view = tensors[i].view();
      if (tensors[i].empty()) view.type = nullptr;
      if (for_maker && !constant_[i]) view.data = nullptr;
      views.push_back(view);
    }
    return views;
  }

  static void CheckGuard(const Buffer& buffer, size_t offset, size_t count) {
    const auto* bytes = static_cast<const unsigned char*>(buffer.data()) + offset;
    for (size_t i = 0; i < count; ++i) TERSOR_CHECK(bytes[i] == 0xff);
  }

  std::vector<Tensor> operands_;
  std::vector<bool> constant_;
  std::vector<TensorType> result_types_;
};

/// Largest |a - b| / (scale + |b|). Infinite where one is NaN or the sizes differ.
inline double LargestError(std::span<const float> a, std::span<const float> b, double scale = 1) {
  if (a.size() != b.size()) return HUGE_VAL;
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double error = std::abs(double{a[i]} - b[i]) / (scale + std::abs(double{b[i]}));
    if (!(error <= largest)) largest = std::isnan(error) ? HUGE_VAL : error;
  }
  return largest;
}

inline bool SameBits(const Tensor& a, const Tensor& b) {
  return a.type() == b.type() && std::memcmp(a.buffer()->data(), b.buffer()->data(),
                                             static_cast<size_t>(a.type().size_bytes())) == 0;
}

/// Central differences of `function` at `x`, in double.
inline std::vector<float> NumericGradient(
    const std::function<double(const std::vector<double>&)>& function, const std::vector<float>& x,
    double step = 1e-5) {
  std::vector<double> point(x.begin(), x.end());
  std::vector<float> gradient;
  for (double& value : point) {
    const double center = value;
    value = center + step;
    const double above = function(point);
    value = center - step;
    const double below = function(point);
    value = center;
    gradient.push_back(static_cast<float>((above - below) / (2 * step)));
  }
  return gradient;
}

}  // namespace tersor::kernels::testing
