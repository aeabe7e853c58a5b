#include "tersor/ir/op.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "tersor/base/documentation.h"

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

OperandInfo ParseOperand(std::string_view item) {
  OperandInfo info;
  for (bool found = true; found;) {
    found = false;
    auto take = [&](std::string_view prefix, bool& flag) {
      if (!TakePrefix(item, prefix)) return;
      flag = true;
      found = true;
    };
    take("opt_", info.optional);
    take("list_", info.variadic);
    take("mut_", info.mutated);
    take("weight_", info.weight);
    take("over_", info.in_place);
  }
  info.name = item;
  return info;
}

// "256:-128" -> scale 1/256, zero point -128.
Quantization ParseFixedOutput(std::string_view text) {
  const size_t colon = text.find(':');
  TERSOR_CHECK(colon != std::string_view::npos);
  int32_t denominator = 0, zero_point = 0;
  std::from_chars(text.data(), text.data() + colon, denominator);
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), zero_point);
  TERSOR_CHECK(denominator > 0);
  return {{1.0f / static_cast<float>(denominator)}, {zero_point}, -1};
}

constexpr std::string_view kTraitNames[] = {
#define TRAIT(name, doc) #name,
#include "tersor/ir/traits.inc"
#undef TRAIT
};

struct ActivationOps {
  OpKind op, gradient;
};

// Of the activations behind kNone, in their order.
constexpr ActivationOps kActivationOps[] = {
#define ACTIVATION(name, spelling, low, high, gradient) {OpKind::k##name, OpKind::k##gradient},
#include "tersor/base/activations.inc"
#undef ACTIVATION
};

const ActivationOps& OpsOf(Activation activation) {
  TERSOR_CHECK(activation != Activation::kNone);
  return kActivationOps[static_cast<size_t>(activation) - 1];
}

// A row of ops.inc, as it is written there.
struct Row {
  const char* name;
  const char* operands;
  const char* attributes;
  const char* results;
  const char* traits;
  const char* doc;
};

constexpr Row kRows[] = {
#define OP(name, operands, attributes, results, traits, doc) \
  {#name, #operands, #attributes, #results, #traits, TERSOR_DOC(doc)},
#include "tersor/ir/ops.inc"
#undef OP
};

// The traits of a row; output= goes to op->fixed_output.
std::vector<Trait> ParseTraits(std::string_view list, OpInfo* op) {
  std::vector<Trait> traits;
  for (std::string_view item : SplitList(list)) {
    if (TakePrefix(item, "output=")) {
      op->fixed_output = ParseFixedOutput(item);
      continue;
    }
    auto trait = ParseTrait(item);
    TERSOR_CHECK(trait.has_value());
    traits.push_back(*trait);
  }
  return traits;
}

// An operator and what its spans point into.
struct Entry {
  OpInfo info;
  std::string text_name;
  std::vector<OperandInfo> operands;
  std::vector<Attr> attributes;
  std::vector<std::string_view> results;
  std::vector<Trait> traits;

  void Fill(OpKind kind, const Row& row) {
    text_name = SnakeCase(row.name);
    for (std::string_view item : SplitList(row.operands)) operands.push_back(ParseOperand(item));
    for (std::string_view item : SplitList(row.attributes)) {
      auto attr = ParseAttr(item);
      TERSOR_CHECK(attr.has_value());
      attributes.push_back(*attr);
    }
    results = SplitList(row.results);
    traits = ParseTraits(row.traits, &info);
    info.kind = kind;
    info.name = row.name;
    info.doc = row.doc;
    info.text_name = text_name;
    info.operands = operands;
    info.attributes = attributes;
    info.results = results;
    info.traits = traits;
  }
};

struct Table {
  std::array<Entry, std::size(kRows)> entries;
  std::vector<OpInfo> ops;

  Table() {
    for (size_t i = 0; i < entries.size(); ++i) {
      entries[i].Fill(static_cast<OpKind>(i), kRows[i]);
      ops.push_back(entries[i].info);
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

std::string_view TraitName(Trait trait) { return kTraitNames[static_cast<size_t>(trait)]; }

std::optional<Trait> ParseTrait(std::string_view name) {
  const auto* found = std::find(std::begin(kTraitNames), std::end(kTraitNames), name);
  if (found == std::end(kTraitNames)) return std::nullopt;
  return static_cast<Trait>(found - std::begin(kTraitNames));
}

bool OpInfo::Has(Trait trait) const {
  return std::find(traits.begin(), traits.end(), trait) != traits.end();
}

int OpInfo::weight() const {
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].weight) return static_cast<int>(i);
  }
  return -1;
}

int OpInfo::bias() const {
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].name == "bias") return static_cast<int>(i);
  }
  return -1;
}

std::optional<Activation> ActivationFor(OpKind op) {
  for (size_t i = 0; i < std::size(kActivationOps); ++i) {
    if (kActivationOps[i].op == op) return static_cast<Activation>(i + 1);
  }
  return std::nullopt;
}

OpKind OpFor(Activation activation) { return OpsOf(activation).op; }
OpKind GradientOpFor(Activation activation) { return OpsOf(activation).gradient; }

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
