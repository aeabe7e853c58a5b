// Reads the lines of rule_cases.h, for tests that apply every operator to types it takes.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "tersor/ir/shape_rules.h"
#include "tersor/ir/shape_rules/rule_cases.h"
#include "tersor/ir/text_lexer.h"

namespace tersor::ir {

/// An operator with the types of its operands, as a line of a RuleCase says them.
struct ParsedRuleCase {
  OpKind op;
  std::vector<std::optional<TensorType>> operands;  ///< nothing where an operand is absent
  Attributes attributes;
  std::optional<TensorType> hint;

  Result<std::vector<TensorType>> Infer() const {
    std::vector<const TensorType*> types;
    for (const auto& type : operands) types.push_back(type ? &*type : nullptr);
    return InferTypes(op, types, attributes, hint);
  }
};

/// Fails where a type or an attribute is refused when it is read. A malformed line is a bug of the
/// list.
inline Result<ParsedRuleCase> ParseRuleCase(std::string_view line) {
  Lexer lexer(line);
  const auto op = ParseOpTextName(lexer.ReadName().value());
  TERSOR_CHECK(op.has_value());
  ParsedRuleCase parsed{*op, {}, {}, {}};
  TERSOR_CHECK(lexer.Take("("));
  while (!lexer.Take(")")) {
    if (lexer.Take("_")) {
      parsed.operands.emplace_back();
    } else {
      TERSOR_ASSIGN_OR_RETURN(parsed.operands.emplace_back(), lexer.ReadType());
    }
    (void)lexer.Take(",");
  }
  if (lexer.Take("{")) {
    while (!lexer.Take("}")) {
      const auto attr = ParseAttr(lexer.ReadName().value());
      TERSOR_CHECK(attr.has_value() && lexer.Take("="));
      TERSOR_ASSIGN_OR_RETURN(AttrValue value, ParseAttrValue(*attr, lexer.ReadValue().value()));
      parsed.attributes.Set(*attr, std::move(value));
      (void)lexer.Take(",");
    }
  }
  if (lexer.Take("->")) {
    TERSOR_ASSIGN_OR_RETURN(parsed.hint, lexer.ReadType());
  }
  TERSOR_CHECK(lexer.AtEnd());
  return parsed;
}

}  // namespace tersor::ir
