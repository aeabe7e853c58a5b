// Operators: what the rows of ops.inc declare.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tersor/base/attributes.h"

namespace tersor::ir {

enum class OpKind : uint8_t {
#define OP(name, operands, attributes, results, traits, doc) k##name,
#include "tersor/ir/ops.inc"
#undef OP
};

/// What passes ask about an operator: the rows of traits.inc.
enum class Trait : uint8_t {
#define TRAIT(name, doc) name,
#include "tersor/ir/traits.inc"
#undef TRAIT
};
std::string_view TraitName(Trait trait);
std::optional<Trait> ParseTrait(std::string_view name);

struct OperandInfo {
  std::string_view name;  ///< without its prefixes
  bool optional = false;  ///< opt_: may be absent
  bool variadic = false;  ///< list_: one or more; the last operand
  bool mutated = false;   ///< mut_: a variable, written in place
  bool weight = false;    ///< weight_: the weight of a layer, output channels first
  bool in_place = false;  ///< over_: the result may be written over it, where both have one size
};

struct OpInfo {
  OpKind kind = {};
  std::string_view name;       ///< "Conv2d"
  std::string_view text_name;  ///< "conv2d"
  std::span<const OperandInfo> operands;
  std::span<const Attr> attributes;
  std::span<const std::string_view> results;
  std::span<const Trait> traits;
  /// output=: the scale and zero point that an integer result always has; nothing if they are free.
  std::optional<Quantization> fixed_output;
  std::string_view doc;

  bool HasAttribute(Attr attr) const;
  bool Has(Trait trait) const;
  bool has_integer_arithmetic() const { return Has(Trait::integer) || Has(Trait::one_scale); }
  /// A layer multiplies its input by a weight: convolution, fully connected.
  bool is_layer() const { return weight() >= 0; }
  int weight() const;    ///< place of the weight among the operands; -1 if it is no layer
  int bias() const;      ///< place of the operand named bias; -1 if there is none
  bool mutates() const;  ///< has a mut_ operand: never dead, never moved across a read of it
};

/// All operators, in the order of OpKind.
std::span<const OpInfo> AllOps();
const OpInfo& InfoOf(OpKind kind);
inline std::string_view OpName(OpKind kind) { return InfoOf(kind).name; }
std::optional<OpKind> ParseOpTextName(std::string_view text_name);

/// The fused activation that does what `op` does; nothing for other operators.
std::optional<Activation> ActivationFor(OpKind op);
/// OpFor is the operator that computes a fused activation, GradientOpFor the one that computes its
/// gradient from (gradient, result). Neither exists for kNone, which must not be passed.
OpKind OpFor(Activation activation);
OpKind GradientOpFor(Activation activation);

}  // namespace tersor::ir
