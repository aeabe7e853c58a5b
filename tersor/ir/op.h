// Operators: what the rows of ops.inc declare.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tersor/base/attributes.h"

namespace tersor::ir {

enum class OpKind : uint8_t {
#define OP(name, operands, attributes, results, doc) k##name,
#include "tersor/ir/ops.inc"
#undef OP
};

struct OperandInfo {
  std::string_view name;  ///< without its prefix
  bool optional = false;  ///< opt_: may be absent
  bool variadic = false;  ///< list_: one or more; the last operand
  bool mutated = false;   ///< mut_: a variable, written in place
};

struct OpInfo {
  OpKind kind;
  std::string_view name;       ///< "Conv2d"
  std::string_view text_name;  ///< "conv2d"
  std::span<const OperandInfo> operands;
  std::span<const Attr> attributes;
  std::span<const std::string_view> results;
  std::string_view doc;

  bool HasAttribute(Attr attr) const;
  bool mutates() const;  ///< has a mut_ operand: never dead, never moved across a read of it
};

/// All operators, in the order of OpKind.
std::span<const OpInfo> AllOps();
const OpInfo& InfoOf(OpKind kind);
inline std::string_view OpName(OpKind kind) { return InfoOf(kind).name; }
std::optional<OpKind> ParseOpTextName(std::string_view text_name);

}  // namespace tersor::ir
