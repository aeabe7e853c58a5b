#include <algorithm>
#include <array>
#include <cmath>

#include "tersor/kernels/elementwise/broadcast.h"
#include "tersor/kernels/elementwise/makers.h"
#include "tersor/kernels/elementwise/real_attributes.h"
#include "tersor/kernels/integer_arithmetic.h"

namespace tersor::kernels::elementwise {
namespace {

constexpr int kMaxRank = 8;

/// Holds the sum, difference and product of any two i64.
__extension__ using Wide = __int128;

namespace formulas {
#define UNARY(Name, formula) \
  double Name(double x, [[maybe_unused]] const RealAttributes& a) { return formula; }
#define BINARY(Name, formula, domain) \
  template <typename T>               \
  T Name(T lhs, T rhs) {              \
    return formula;                   \
  }
#include "tersor/kernels/elementwise/operators.inc"
}  // namespace formulas

using UnaryFormula = double (*)(double x, const RealAttributes& a);
constexpr UnaryFormula kUnaryFormulas[] = {
#define UNARY(Name, formula) formulas::Name,
#include "tersor/kernels/elementwise/operators.inc"
};

struct BinaryFormula {
  double (*real)(double lhs, double rhs);
  Wide (*integer)(Wide lhs, Wide rhs);  ///< null for kReals
};
#define INTEGER_FORMULA_kNumbers(Name) formulas::Name<Wide>
#define INTEGER_FORMULA_kReals(Name) nullptr
constexpr BinaryFormula kBinaryFormulas[] = {
#define BINARY(Name, formula, domain) {formulas::Name<double>, INTEGER_FORMULA_##domain(Name)},
#include "tersor/kernels/elementwise/operators.inc"
};

/// Steps of both operands through the result, axis by axis; 0 where an operand is stretched.
struct Steps {
  int rank = 0;
  std::array<int64_t, kMaxRank> extent{}, lhs{}, rhs{};

  Steps(const Shape& lhs_shape, const Shape& rhs_shape, const Shape& result) {
    rank = result.rank();
    int64_t lhs_step = 1, rhs_step = 1;
    for (int axis = rank - 1; axis >= 0; --axis) {
      const auto at = static_cast<size_t>(axis);
      extent[at] = result[axis];
      const int lhs_axis = axis - (rank - lhs_shape.rank());
      const int rhs_axis = axis - (rank - rhs_shape.rank());
      const int64_t lhs_extent = lhs_axis < 0 ? 1 : lhs_shape[lhs_axis];
      const int64_t rhs_extent = rhs_axis < 0 ? 1 : rhs_shape[rhs_axis];
      lhs[at] = lhs_extent == 1 ? 0 : lhs_step;
      rhs[at] = rhs_extent == 1 ? 0 : rhs_step;
      lhs_step *= lhs_extent;
      rhs_step *= rhs_extent;
    }
  }

  /// body(index in the result, in lhs, in rhs), in the order of the result.
  template <typename Body>
  void ForEach(int64_t count, const Body& body) const {
    std::array<int64_t, kMaxRank> at{};
    int64_t a = 0, b = 0;
    for (int64_t i = 0; i < count; ++i) {
      body(i, a, b);
      for (int axis = rank - 1; axis >= 0; --axis) {
        const auto k = static_cast<size_t>(axis);
        a += lhs[k];
        b += rhs[k];
        if (++at[k] < extent[k]) break;
        a -= lhs[k] * extent[k];
        b -= rhs[k] * extent[k];
        at[k] = 0;
      }
    }
  }
};

struct UnarySetting {
  UnaryFormula formula;
  RealAttributes attributes;
  int64_t count;

  double operator()(double x) const { return formula(x, attributes); }
};

class UnaryFloat final : public Kernel {
 public:
  UnaryFloat(const UnarySetting& setting, const KernelSpec&) : f_(setting) {}

  void Run(const KernelCall& call) const override {
    const auto* in = call.operands[0].as<float>();
    auto* out = call.results[0].as<float>();
    for (int64_t i = 0; i < f_.count; ++i) out[i] = static_cast<float>(f_(in[i]));
  }

 private:
  UnarySetting f_;
};

/// Dequantize, f, quantize. For 8 bits that is a table of 256 entries.
template <typename T>
class UnaryQuantized final : public Kernel {
 public:
  UnaryQuantized(const UnarySetting& setting, const KernelSpec& spec)
      : f_(setting),
        scale_in_(ScaleOf(*spec.operands[0].type)),
        inverse_scale_out_(InverseScale(ScaleOf(spec.results[0]))),
        zero_in_(ZeroPointOf(*spec.operands[0].type)),
        zero_out_(ZeroPointOf(spec.results[0])) {
    if constexpr (sizeof(T) == 1) {
      for (int i = 0; i < 256; ++i) table_[static_cast<size_t>(i)] = Compute(static_cast<T>(i));
    }
  }

  void Run(const KernelCall& call) const override {
    const T* in = call.operands[0].as<T>();
    T* out = call.results[0].as<T>();
    for (int64_t i = 0; i < f_.count; ++i) {
      if constexpr (sizeof(T) == 1) {
        out[i] = table_[static_cast<uint8_t>(in[i])];
      } else {
        out[i] = Compute(in[i]);
      }
    }
  }

 private:
  T Compute(T q) const {
    const float x = DequantizeValue(q, scale_in_, zero_in_);
    const auto y = static_cast<float>(f_(x));
    return static_cast<T>(QuantizeValue(y, inverse_scale_out_, zero_out_, RangeOf(DTypeOf<T>)));
  }

  UnarySetting f_;
  float scale_in_, inverse_scale_out_;
  int32_t zero_in_, zero_out_;
  std::array<T, sizeof(T) == 1 ? 256 : 1> table_{};
};

struct BinarySetting {
  Binary op;
  BinaryFormula formula;
  Activation activation;
  Steps steps;
  int64_t count;
};

class BinaryFloat final : public Kernel {
 public:
  BinaryFloat(const BinarySetting& setting, const KernelSpec&)
      : s_(setting),
        lo_(BoundsOf(setting.activation).low),
        hi_(BoundsOf(setting.activation).high) {}

  void Run(const KernelCall& call) const override {
    const auto* lhs = call.operands[0].as<float>();
    const auto* rhs = call.operands[1].as<float>();
    auto* out = call.results[0].as<float>();
    s_.steps.ForEach(s_.count, [&](int64_t i, int64_t a, int64_t b) {
      const double y = s_.formula.real(lhs[a], rhs[b]);
      out[i] = static_cast<float>(std::min(std::max(y, lo_), hi_));
    });
  }

 private:
  BinarySetting s_;
  double lo_, hi_;
};

template <typename T>
class BinaryInteger final : public Kernel {
 public:
  BinaryInteger(const BinarySetting& setting, const KernelSpec&) : s_(setting) {}

  void Run(const KernelCall& call) const override {
    const T* lhs = call.operands[0].as<T>();
    const T* rhs = call.operands[1].as<T>();
    T* out = call.results[0].as<T>();
    s_.steps.ForEach(s_.count, [&](int64_t i, int64_t a, int64_t b) {
      auto y = static_cast<T>(s_.formula.integer(lhs[a], rhs[b]));
      if (s_.activation != Activation::kNone) y = std::max(y, T{0});
      if (s_.activation == Activation::kRelu6) y = std::min(y, T{6});
      out[i] = y;
    });
  }

 private:
  BinarySetting s_;
};

template <typename T>
class BinaryQuantized final : public Kernel {
 public:
  BinaryQuantized(const BinarySetting& setting, const KernelSpec& spec)
      : s_(setting),
        scale_lhs_(ScaleOf(*spec.operands[0].type)),
        scale_rhs_(ScaleOf(*spec.operands[1].type)),
        scale_out_(ScaleOf(spec.results[0])),
        zero_lhs_(ZeroPointOf(*spec.operands[0].type)),
        zero_rhs_(ZeroPointOf(*spec.operands[1].type)),
        zero_out_(ZeroPointOf(spec.results[0])),
        range_(ActivationRange(spec.results[0], setting.activation)) {}

  void Run(const KernelCall& call) const override {
    const T* lhs = call.operands[0].as<T>();
    const T* rhs = call.operands[1].as<T>();
    T* out = call.results[0].as<T>();
    const auto each = [&](const auto& rule) {
      s_.steps.ForEach(s_.count, [&](int64_t i, int64_t a, int64_t b) {
        out[i] = static_cast<T>(rule(lhs[a] - zero_lhs_, rhs[b] - zero_rhs_));
      });
    };
    switch (s_.op) {
      case Binary::kAdd:
      case Binary::kSubtract: {
        const AddFactors factors =
            MakeAddFactors(scale_lhs_, scale_rhs_, scale_out_, s_.op == Binary::kSubtract);
        each([&](int32_t a, int32_t b) { return AddQuantized(a, b, factors, zero_out_, range_); });
        break;
      }
      case Binary::kMultiply: {
        const float multiplier = ProductMultiplier(scale_lhs_, scale_rhs_, scale_out_);
        each(
            [&](int32_t a, int32_t b) { return Requantize(a * b, multiplier, zero_out_, range_); });
        break;
      }
      default:
        each([&](int32_t a, int32_t b) {
          const float x = scale_lhs_ * static_cast<float>(a);
          const float y = scale_rhs_ * static_cast<float>(b);
          const auto z = static_cast<float>(s_.formula.real(x, y));
          return QuantizeValue(z, InverseScale(scale_out_), zero_out_, range_);
        });
    }
  }

 private:
  BinarySetting s_;
  float scale_lhs_, scale_rhs_, scale_out_;
  int32_t zero_lhs_, zero_rhs_, zero_out_;
  IntegerRange range_;
};

}  // namespace

Activation ActivationOf(const KernelSpec& spec) {
  return spec.attributes == nullptr ? Activation::kNone : spec.attributes->ActivationOf();
}

bool IsElementwise(const KernelSpec& spec, size_t operands) {
  if (spec.operands.size() != operands || spec.results.size() != 1 || !spec.epilogue.empty()) {
    return false;
  }
  const TensorType& result = spec.results[0];
  for (const ConstTensorView& operand : spec.operands) {
    if (operand.type == nullptr || operand.dtype() != result.dtype) return false;
    if (operand.type->quantization.has_value() != result.quantization.has_value()) return false;
    if (result.quantization && !IsPerTensor(*operand.type)) return false;
  }
  if (result.quantization && !IsPerTensor(result)) return false;
  if (operands == 1) return spec.operands[0].shape() == result.shape;
  Shape shape;
  return BroadcastShape(spec.operands[0].shape(), spec.operands[1].shape(), &shape) &&
         shape == result.shape;
}

std::unique_ptr<Kernel> MakeReferenceUnary(Unary op, const KernelSpec& spec) {
  if (!IsElementwise(spec, 1)) return nullptr;
  const TensorType& type = spec.results[0];
  const UnarySetting setting{kUnaryFormulas[static_cast<int>(op)], RealAttributes(spec.attributes),
                             type.shape.num_elements()};
  if (type.quantization) {
    switch (type.dtype) {
      case DType::kI8:
        return std::make_unique<UnaryQuantized<int8_t>>(setting, spec);
      case DType::kU8:
        return std::make_unique<UnaryQuantized<uint8_t>>(setting, spec);
      case DType::kI16:
        return std::make_unique<UnaryQuantized<int16_t>>(setting, spec);
      default:
        return nullptr;
    }
  }
  return type.dtype == DType::kF32 ? std::make_unique<UnaryFloat>(setting, spec) : nullptr;
}

std::unique_ptr<Kernel> MakeReferenceBinary(Binary op, const KernelSpec& spec) {
  if (!IsElementwise(spec, 2) || spec.results[0].shape.rank() > kMaxRank) return nullptr;
  const TensorType& type = spec.results[0];
  const BinarySetting setting{op, kBinaryFormulas[static_cast<int>(op)], ActivationOf(spec),
                              Steps(spec.operands[0].shape(), spec.operands[1].shape(), type.shape),
                              type.shape.num_elements()};
  if (type.quantization) {
    switch (type.dtype) {
      case DType::kI8:
        return std::make_unique<BinaryQuantized<int8_t>>(setting, spec);
      case DType::kU8:
        return std::make_unique<BinaryQuantized<uint8_t>>(setting, spec);
      case DType::kI16:
        // The product must fit int32.
        if (ZeroPointOf(*spec.operands[0].type) != 0 || ZeroPointOf(*spec.operands[1].type) != 0) {
          return nullptr;
        }
        return std::make_unique<BinaryQuantized<int16_t>>(setting, spec);
      default:
        return nullptr;
    }
  }
  if (IsInteger(type.dtype) && setting.formula.integer == nullptr) return nullptr;
  switch (type.dtype) {
    case DType::kF32:
      return std::make_unique<BinaryFloat>(setting, spec);
    case DType::kI8:
      return std::make_unique<BinaryInteger<int8_t>>(setting, spec);
    case DType::kU8:
      return std::make_unique<BinaryInteger<uint8_t>>(setting, spec);
    case DType::kI16:
      return std::make_unique<BinaryInteger<int16_t>>(setting, spec);
    case DType::kI32:
      return std::make_unique<BinaryInteger<int32_t>>(setting, spec);
    case DType::kI64:
      return std::make_unique<BinaryInteger<int64_t>>(setting, spec);
    default:
      return nullptr;
  }
}

}  // namespace tersor::kernels::elementwise
