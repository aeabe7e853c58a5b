// What a shape-and-type rule is given, and the checks that many of them share.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/attributes.h"
#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/ir/op.h"

namespace tersor::ir {

using RuleResult = Result<std::vector<TensorType>>;

/// The operands of one application of an operator. InferTypes has already seen to it that required
/// operands are there, that every type passes CheckType (except that single scales may be anything)
/// and that the attributes pass CheckAttributes.
struct RuleInput {
  const OpInfo& info;
  /// As many as ops.inc lists (variadic: as many as given); null where absent.
  std::span<const TensorType* const> operands;
  const Attributes& attributes;
  const std::optional<TensorType>& hint;

  int size() const { return static_cast<int>(operands.size()); }
  bool Has(int i) const { return i < size() && operands[static_cast<size_t>(i)] != nullptr; }
  const TensorType& type(int i) const { return *operands[static_cast<size_t>(i)]; }
  const Shape& shape(int i) const { return type(i).shape; }
  std::string_view name(int i) const;

  /// A failure that begins with the operator's name.
  template <typename... Parts>
  Status Fail(const Parts&... parts) const {
    return FailWith({Part(parts)...});
  }

  /// The operand is f32 of exactly this shape.
  Status ExpectF32(int i, const Shape& shape) const;
  Status ExpectF32(int i) const;
  /// The operand has the floating-point type of the first operand: f32, f16 or bf16 (of exactly
  /// this shape).
  Status ExpectFloat(int i, const Shape& shape) const;
  Status ExpectFloat(int i) const;
  /// Every operand that is there has the floating-point type of the first one.
  Status ExpectAllFloat() const;
  Status ExpectRank(int i, int rank) const;
  /// The attribute is within [low, high].
  Status ExpectRange(Attr attr, double low, double high) const;
  /// The attribute is within [low, high).
  Status ExpectBelow(Attr attr, double low, double high) const;

  /// The result of an operator that computes: f32 if all operands are f32, and so for f16 and bf16.
  /// If all are i8, or all u8, each with one scale: the hint, which must be of the same element
  /// type with one scale.
  Result<TensorType> ComputedType(Shape shape) const;
  /// The part of ComputedType for operands that are `dtype` (i8 or u8).
  Result<TensorType> HintedType(DType dtype, Shape shape) const;

 private:
  /// A part of a message. Refers to what it was made from, so that a rule which fails in many ways
  /// stays small: the text is made in one place.
  struct Part {
    enum class Kind : uint8_t { kText, kInteger, kReal, kShape, kType };
    Part(const char* text) : Part(std::string_view(text)) {}         // NOLINT: implicit by design
    Part(const std::string& text) : Part(std::string_view(text)) {}  // NOLINT
    Part(std::string_view view) : kind(Kind::kText), text(view) {}   // NOLINT
    Part(std::integral auto number)                                  // NOLINT
        : kind(Kind::kInteger), integer(static_cast<int64_t>(number)) {}
    Part(double number) : kind(Kind::kReal), real(number) {}            // NOLINT
    Part(const Shape& value) : kind(Kind::kShape), shape(&value) {}     // NOLINT
    Part(const TensorType& value) : kind(Kind::kType), type(&value) {}  // NOLINT
    Part(DType dtype) : Part(DTypeName(dtype)) {}                       // NOLINT

    Kind kind;
    union {
      std::string_view text;
      int64_t integer;
      double real;
      const Shape* shape;
      const TensorType* type;
    };
  };
  Status FailWith(std::initializer_list<Part> parts) const;
};

bool IsEightBit(DType dtype);
/// i8 or u8 with one scale for the tensor.
bool IsEightBitPerTensor(const TensorType& type);
/// "f32[N,10]", with "(without scale)" or "(per channel)" where a scale for the tensor was
/// expected.
std::string Describe(const TensorType& type);

/// The results of an operator with one f32 result of this shape, or one of the first operand's
/// type.
RuleResult OneF32(Shape shape);
RuleResult OneFloat(const RuleInput& in, Shape shape);
RuleResult One(TensorType type);

/// The shape that both broadcast to, aligned at the last axis.
Result<Shape> BroadcastShape(const RuleInput& in, const Shape& lhs, const Shape& rhs);

/// A shape given as an attribute, with -1 in the first place standing for `batch`.
Result<Shape> ShapeAttribute(const RuleInput& in, Attr attr, int64_t batch);

/// Result shape [N,OH,OW,O] of a convolution with the strides, dilations, padding and groups of
/// `in`.
Result<Shape> ConvolutionShape(const RuleInput& in, const Shape& input, const Shape& filter);
/// Result shape [N,OH,OW,C] of a pooling with the window, strides and padding of `in`. Every window
/// has at least one cell of the input.
Result<Shape> PoolShape(const RuleInput& in, const Shape& input);

// RuleAdd, RuleAdamUpdate, ...: a missing one is an error of the linker.
#define OP(name, operands, attributes, results, traits, doc) \
  RuleResult Rule##name(const RuleInput& in);
#include "tersor/ir/ops.inc"
#undef OP

}  // namespace tersor::ir
