// For the tests and benchmarks of the integer kernels: one layer with its data and its fused
// operators, run by any row, and what the reference and the scalar rule make of it.
#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tersor/base/random.h"
#include "tersor/kernels/integer_arithmetic.h"
#include "tersor/kernels/kernel.h"

namespace tersor::kernels::testing {

/// Uniform over [lo, hi].
inline int64_t Uniform(Random& random, int64_t lo, int64_t hi) {
  return lo + static_cast<int64_t>(random.NextBelow(static_cast<uint64_t>(hi - lo + 1)));
}

template <typename T>
Tensor RandomIntegers(TensorType type, Random& random, int64_t lo, int64_t hi) {
  std::vector<T> values(static_cast<size_t>(type.shape.num_elements()));
  for (T& value : values) value = static_cast<T>(Uniform(random, lo, hi));
  return Tensor::FromValues<T>(std::move(type), values).value();
}

inline Quantization PerTensor(float scale, int32_t zero_point) {
  return {{scale}, {zero_point}, -1};
}

struct FusedLink {
  Epilogue::Kind kind;
  Tensor operand;  ///< empty for a pool
  bool constant = true;
  Attributes attributes;
  TensorType result;
};

struct Int8Layer {
  std::vector<Tensor> operands;  ///< of the operator; empty: absent
  TensorType result;
  Attributes attributes;
  std::vector<FusedLink> links;
  bool constant_filter = true;

  const TensorType& final_type() const { return links.empty() ? result : links.back().result; }

  std::unique_ptr<Kernel> Make(const KernelRow& row, bool fused, int threads) const {
    std::vector<ConstTensorView> views;
    for (size_t i = 0; i < operands.size(); ++i) {
      ConstTensorView view = operands[i].view();
      if (operands[i].empty()) view.type = nullptr;
      if (i == 0 || !constant_filter) view.data = nullptr;
      views.push_back(view);
    }
    std::vector<Epilogue> epilogue;
    for (const FusedLink& link : links) {
      Epilogue& out = epilogue.emplace_back();
      out.kind = link.kind;
      if (!link.operand.empty()) out.operand = link.operand.view();
      if (!link.constant) out.operand.data = nullptr;
      out.attributes = &link.attributes;
      out.result = link.result;
    }
    KernelSpec spec;
    spec.operands = views;
    spec.results = {&result, 1};
    spec.attributes = &attributes;
    if (fused) spec.epilogue = epilogue;
    spec.threads = threads;
    return row.make(spec);
  }

  /// The stored bytes. Operands stand in memory of exactly their size, the result between guards.
  std::vector<uint8_t> Run(const Kernel& kernel, bool fused, int threads) const {
    const TensorType& type = fused ? final_type() : result;
    std::vector<std::unique_ptr<uint8_t[]>> copies;
    std::vector<ConstTensorView> views;
    const auto add = [&](const Tensor& tensor) {
      if (tensor.empty()) {
        views.emplace_back();
        return;
      }
      const auto size = static_cast<size_t>(tensor.type().size_bytes());
      copies.emplace_back(new uint8_t[size]);
      std::memcpy(copies.back().get(), tensor.buffer()->data(), size);
      views.push_back({&tensor.type(), copies.back().get()});
    };
    for (const Tensor& operand : operands) add(operand);
    if (fused) {
      for (const FusedLink& link : links) {
        if (!link.constant) add(link.operand);
      }
    }
    const auto size = static_cast<size_t>(type.size_bytes());
    constexpr size_t kGuard = 64;
    std::vector<uint8_t> bytes(size + 2 * kGuard, 0x5a);
    auto scratch = Buffer::Allocate(kernel.scratch_bytes()).value();
    std::memset(scratch->data(), 0x7f, kernel.scratch_bytes());
    auto pool = ThreadPool::Create(threads).value();
    const TensorView result_view{&type, bytes.data() + kGuard};
    KernelCall call;
    call.operands = views;
    call.results = {&result_view, 1};
    call.scratch = scratch->data();
    call.pool = &pool;
    kernel.Run(call);
    for (size_t i = 0; i < kGuard; ++i) {
      TERSOR_CHECK(bytes[i] == 0x5a && bytes[kGuard + size + i] == 0x5a);
    }
    return {bytes.begin() + kGuard, bytes.end() - kGuard};
  }

  /// Nothing where the row refuses the layer with its links.
  std::optional<std::vector<uint8_t>> Run(const KernelRow& row, int threads = 1) const {
    auto kernel = Make(row, true, threads);
    if (kernel == nullptr) return std::nullopt;
    return Run(*kernel, true, threads);
  }

  /// The reference, then each link by the scalar rule, with i8 in between.
  std::vector<uint8_t> Expected(const KernelRow& reference) const {
    auto kernel = Make(reference, false, 1);
    TERSOR_CHECK(kernel != nullptr);
    std::vector<uint8_t> values = Run(*kernel, false, 1);
    const TensorType* type = &result;
    for (const FusedLink& link : links) {
      values = Apply(link, *type, values);
      type = &link.result;
    }
    return values;
  }

 private:
  static std::vector<uint8_t> Apply(const FusedLink& link, const TensorType& input,
                                    const std::vector<uint8_t>& values) {
    const IntegerRange range = ActivationRange(link.result, link.attributes.ActivationOf());
    const auto at = [&](size_t i) { return int32_t{static_cast<int8_t>(values[i])}; };
    std::vector<uint8_t> out(static_cast<size_t>(link.result.shape.num_elements()));
    if (link.kind == Epilogue::Kind::kMaxPool2d) {
      const auto width = static_cast<size_t>(input.shape[2]),
                 c = static_cast<size_t>(input.shape[3]);
      for (size_t i = 0; i < out.size(); ++i) {
        const size_t row = i / c / (width / 2), x = i / c % (width / 2);
        const size_t first = (row * 2 * width + x * 2) * c + i % c;
        const int32_t top = std::max(at(first), at(first + c));
        const int32_t bottom = std::max(at(first + width * c), at(first + (width + 1) * c));
        out[i] = static_cast<uint8_t>(std::clamp(std::max(top, bottom), range.lo, range.hi));
      }
      return out;
    }
    const TensorType& type = link.operand.type();
    const auto operand = link.operand.values<int8_t>();
    const int32_t zero_a = ZeroPointOf(input), zero_b = ZeroPointOf(type);
    const float scale_a = ScaleOf(input), scale_b = ScaleOf(type), scale = ScaleOf(link.result);
    for (size_t i = 0; i < out.size(); ++i) {
      const int32_t a = at(i) - zero_a, b = operand[i % operand.size()] - zero_b;
      const int32_t zero = ZeroPointOf(link.result);
      out[i] = static_cast<uint8_t>(
          link.kind == Epilogue::Kind::kMultiply
              ? Requantize(a * b, ProductMultiplier(scale_a, scale_b, scale), zero, range)
              : AddQuantized(a, b, MakeAddFactors(scale_a, scale_b, scale, false), zero, range));
    }
    return out;
  }
};

/// Appends links by letter: m multiply by [C], s multiply by one element, a add [C], r add a
/// tensor, p max_pool2d. Scales are such that results spread over their range.
inline void AddLinks(Int8Layer& layer, std::string_view letters, Random& random) {
  for (char letter : letters) {
    const TensorType input = layer.final_type();
    FusedLink link;
    link.result = input;
    const auto zero = static_cast<int32_t>(Uniform(random, -128, 127));
    const auto channels = input.shape[input.shape.rank() - 1];
    const float scale = ScaleOf(input);
    if (letter == 'p') {
      link.kind = Epilogue::Kind::kMaxPool2d;
      link.attributes.Set(Attr::window, std::vector<int64_t>{2, 2});
      link.attributes.Set(Attr::strides, std::vector<int64_t>{2, 2});
      link.result.shape = Shape{input.shape[0], input.shape[1] / 2, input.shape[2] / 2, channels};
    } else {
      const bool multiply = letter == 'm' || letter == 's';
      link.kind = multiply ? Epilogue::Kind::kMultiply : Epilogue::Kind::kAdd;
      link.constant = letter != 'r';
      const float operand_scale = multiply ? 0.01f : scale * 0.7f;
      const Shape shape = letter == 'r' ? input.shape : Shape{letter == 's' ? 1 : channels};
      link.operand = RandomIntegers<int8_t>({DType::kI8, shape, PerTensor(operand_scale, zero)},
                                            random, -128, 127);
      const auto result_zero = static_cast<int32_t>(Uniform(random, -100, 100));
      link.result.quantization = PerTensor(multiply ? scale * 0.9f : scale * 1.3f, result_zero);
    }
    const int64_t activation = Uniform(random, 0, 5);
    if (activation == 0) link.attributes.Set(Attr::activation, Activation::kRelu);
    if (activation == 1) link.attributes.Set(Attr::activation, Activation::kRelu6);
    layer.links.push_back(std::move(link));
  }
}

}  // namespace tersor::kernels::testing
