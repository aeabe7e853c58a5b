#include "tersor/ir/op.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace tersor::ir {
namespace {

constexpr bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }

// MaxPool2dGrad -> max_pool2d_grad
std::string SnakeCase(std::string_view name) {
  std::string text;
  for (size_t i = 0; i < name.size(); ++i) {
    if (IsUpper(name[i]) && i > 0) text += '_';
    text += IsUpper(name[i]) ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
  }
  return text;
}

// "(input, opt_bias)" -> {"input", "opt_bias"}
std::vector<std::string_view> SplitList(std::string_view list) {
  std::vector<std::string_view> items;
  size_t at = 1;
  while (at < list.size() - 1) {
    size_t end = list.find_first_of(",)", at);
    std::string_view item = list.substr(at, end - at);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    if (!item.empty()) items.push_back(item);
    at = end + 1;
  }
  return items;
}

bool TakePrefix(std::string_view& name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  return true;
}

struct Table {
  std::vector<OpInfo> ops;
  std::vector<std::string> text_names;
  std::vector<std::vector<OperandInfo>> operands;
  std::vector<std::vector<Attr>> attributes;
  std::vector<std::vector<std::string_view>> results;

  void Add(OpKind kind, std::string_view name, std::string_view operand_list,
           std::string_view attribute_list, std::string_view result_list, std::string_view doc) {
    std::vector<OperandInfo> infos;
    for (std::string_view item : SplitList(operand_list)) {
      OperandInfo info;
      info.optional = TakePrefix(item, "opt_");
      info.variadic = TakePrefix(item, "list_");
      info.mutated = TakePrefix(item, "mut_");
      info.name = item;
      infos.push_back(info);
    }
    std::vector<Attr> attrs;
    for (std::string_view item : SplitList(attribute_list)) {
      auto attr = ParseAttr(item);
      TERSOR_CHECK(attr.has_value());
      attrs.push_back(*attr);
    }
    text_names.push_back(SnakeCase(name));
    operands.push_back(std::move(infos));
    attributes.push_back(std::move(attrs));
    results.push_back(SplitList(result_list));
    ops.push_back({kind, name, {}, {}, {}, {}, doc});
  }

  Table() {
#define OP(name, operands, attributes, results, doc) \
  Add(OpKind::k##name, #name, #operands, #attributes, #results, doc);
#include "tersor/ir/ops.inc"
#undef OP
    for (size_t i = 0; i < ops.size(); ++i) {
      ops[i].text_name = text_names[i];
      ops[i].operands = operands[i];
      ops[i].attributes = attributes[i];
      ops[i].results = results[i];
    }
  }
};

// Leaked on purpose: graphs of static lifetime may outlive any order of destruction.
const Table& Ops() {
  static const auto* table = new Table();
  return *table;
}

}  // namespace

bool OpInfo::HasAttribute(Attr attr) const {
  return std::find(attributes.begin(), attributes.end(), attr) != attributes.end();
}

bool OpInfo::mutates() const {
  return std::any_of(operands.begin(), operands.end(),
                     [](const OperandInfo& operand) { return operand.mutated; });
}

std::span<const OpInfo> AllOps() { return Ops().ops; }

const OpInfo& InfoOf(OpKind kind) { return Ops().ops[static_cast<size_t>(kind)]; }

std::optional<OpKind> ParseOpTextName(std::string_view text_name) {
  for (const OpInfo& info : AllOps()) {
    if (info.text_name == text_name) return info.kind;
  }
  return std::nullopt;
}

}  // namespace tersor::ir
