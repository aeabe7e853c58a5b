// Pages that one .inc list gives.
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "tersor/base/attributes.h"
#include "tersor/base/encoded_tensor.h"
#include "tersor/coding/coding.h"
#include "tersor/ir/op.h"
#include "tersor/training/loss.h"
#include "tools/docs/pages.h"

namespace tersor::docs {
namespace {

std::string Operand(const ir::OperandInfo& operand) {
  std::string text(operand.name);
  if (operand.variadic) text += "...";
  if (operand.mutated) text = "*" + text + "*";
  if (operand.optional) text = "[" + text + "]";
  return text;
}

std::vector<std::string> TraitsOf(const ir::OpInfo& op) {
  std::vector<std::string> traits;
  for (const ir::OperandInfo& operand : op.operands) {
    if (operand.weight) traits.push_back("layer (weight: " + std::string(operand.name) + ")");
    if (operand.in_place) traits.push_back("in place (" + std::string(operand.name) + ")");
  }
  for (ir::Trait trait : op.traits) traits.emplace_back(ir::TraitName(trait));
  if (op.fixed_output.has_value()) {
    traits.push_back("output 1/" + std::to_string(std::lround(1 / op.fixed_output->scales[0])) +
                     ", " + std::to_string(op.fixed_output->zero_points[0]));
  }
  return traits;
}

}  // namespace

std::string Code(std::string_view text) { return "`" + std::string(text) + "`"; }

std::string Join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

Table::Table(std::span<const std::string_view> head) {
  std::string rule;
  for (std::string_view cell : head) {
    text_ += "| " + std::string(cell) + " ";
    rule += "|---";
  }
  text_ += "|\n" + rule + "|\n";
}

void Table::Row(std::span<const std::string> cells) {
  for (const std::string& cell : cells) {
    text_ += "| ";
    for (char c : cell) text_ += c == '|' ? "\\|" : std::string(1, c);
    text_ += " ";
  }
  text_ += "|\n";
}

std::string Encodings() {
  constexpr std::string_view kHead[] = {"number", "encoding", "parameters", "what is stored"};
  Table encodings(kHead);
  for (const EncodingInfo& info : AllEncodings()) {
    encodings.Row(std::array{std::to_string(static_cast<int>(info.encoding)), Code(info.name),
                             std::string(info.parameters), std::string(info.doc)});
  }
  constexpr std::string_view kCodingHead[] = {"number", "coding", "what it does"};
  Table codings(kCodingHead);
  for (const coding::CodingInfo& info : coding::AllCodings()) {
    codings.Row(std::array{std::to_string(static_cast<int>(info.coding)), Code(info.name),
                           std::string(info.doc)});
  }
  return "# Encodings and codings of weights\n\nFrom `tersor/base/encodings.inc`: how the elements "
         "of a "
         "weight are stored, in memory and in files (docs/format.md says the bytes).\n\n" +
         encodings.text() +
         "\nFrom `tersor/coding/codings.inc`: lossless codes that a format may put over the bytes "
         "of a "
         "weight, whatever its encoding.\n\n" +
         codings.text();
}

std::string Operators() {
  constexpr std::string_view kHead[] = {"operator", "operands", "attributes",
                                        "results",  "traits",   "meaning"};
  Table table(kHead);
  for (const ir::OpInfo& op : ir::AllOps()) {
    std::vector<std::string> operands, attributes, results;
    for (const ir::OperandInfo& operand : op.operands) operands.push_back(Operand(operand));
    for (Attr attribute : op.attributes) attributes.emplace_back(AttrName(attribute));
    for (std::string_view result : op.results) results.emplace_back(result);
    table.Row(std::array{Code(op.text_name), Join(operands), Join(attributes), Join(results),
                         Join(TraitsOf(op)), std::string(op.doc)});
  }
  constexpr std::string_view kTraitHead[] = {"trait", "meaning"};
  Table traits(kTraitHead);
  auto trait_row = [&](std::string name, std::string doc) {
    traits.Row(std::array{Code(name), std::move(doc)});
  };
#define TRAIT(name, doc) trait_row(#name, doc);
#include "tersor/ir/traits.inc"
#undef TRAIT
  trait_row("in place (x)",
            "the result may be written over the operand x, where both have one size");
  trait_row("layer (weight: x)", "multiplies its input by the operand x, output channels first");
  trait_row("output 1/D, Z", "its integer result always has scale 1/D and zero point Z");
  return "# Operators\n\nFrom `tersor/ir/ops.inc`. An operand in [brackets] may be absent, one "
         "with dots stands for one or more, one in *italics* is a variable that the operator "
         "writes in place. Images are NHWC.\n\n" +
         table.text() + "\n## Traits\n\nWhat passes and the compiler ask about an operator.\n\n" +
         traits.text();
}

std::string AttributesPage() {
  constexpr std::string_view kHead[] = {"attribute", "type", "default", "meaning"};
  Table table(kHead);
#define ATTRIBUTE(name, type, default_value, doc) \
  table.Row(std::array<std::string, 4>{Code(#name), #type, Code(default_value), doc});
#include "tersor/base/attributes.inc"
#undef ATTRIBUTE
  return "# Attributes\n\nFrom `tersor/base/attributes.inc`. An attribute without a default is "
         "`required`; one that equals its default is not printed.\n\n" +
         table.text();
}

std::string Dtypes() {
  constexpr std::string_view kHead[] = {"type", "bits", "stored as"};
  Table table(kHead);
#define DTYPE(enumerator, name, bits, storage) \
  table.Row(std::array<std::string, 3>{Code(#name), #bits, Code(#storage)});
#include "tersor/base/dtypes.inc"
#undef DTYPE
  return "# Element types\n\nFrom `tersor/base/dtypes.inc`. Types of fewer than eight bits are "
         "packed, low bits first, each row of the innermost dimension padded to a byte.\n\n" +
         table.text();
}

std::string CpuLevels() {
  constexpr std::string_view kHead[] = {"`TERSOR_CPU`", "what it stands for"};
  Table table(kHead);
#define CPU_LEVEL(enumerator, name, doc) table.Row(std::array<std::string, 2>{Code(#name), doc});
#include "tersor/base/cpu_features.inc"
#undef CPU_LEVEL
  return "# CPU levels\n\nFrom `tersor/base/cpu_features.inc`. A machine has a set of levels; the "
         "environment variable `TERSOR_CPU` drops every level of this machine's architecture "
         "after the named one.\n\n" +
         table.text();
}

std::string Losses() {
  constexpr std::string_view kHead[] = {"loss", "reads", "counts right predictions", "meaning"};
  Table table(kHead);
  for (const training::Loss& loss : training::AllLosses()) {
    const bool logits = loss.prediction == training::LossPrediction::kLogits;
    table.Row(std::array{Code(loss.name), std::string(logits ? "logits" : "values"),
                         std::string(loss.count_correct != nullptr ? "yes" : ""),
                         std::string(loss.doc)});
  }
  return "# Losses\n\nFrom `tersor/training/losses.inc`. A loss that reads logits takes what "
         "stands before a "
         "softmax at the end of the prediction.\n\n" +
         table.text();
}

}  // namespace tersor::docs
