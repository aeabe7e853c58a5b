// Pages that join several lists: which kernels an operator has, and what else knows it.
#include <array>
#include <set>
#include <string>
#include <vector>

#include "tersor/ir/op.h"
#include "tersor/runtime/kernel_table.h"
#include "tools/docs/pages.h"

namespace tersor::docs {
namespace {

bool HasGradient(ir::OpKind op) {
  switch (op) {
#define GRADIENT(name) case ir::OpKind::k##name:
#include "tersor/transforms/gradients.inc"
#undef GRADIENT
    return true;
    default:
      return false;
  }
}

/// The TFLite operators whose main part is `op`.
std::string TfliteNames(ir::OpKind op) {
  std::vector<std::string> names;
#define TFLITE(name, rule, ir_op, ...) \
  if (op == ir::OpKind::k##ir_op) names.push_back(Code(#name));
#include "tersor/formats/tflite/ops.inc"
#undef TFLITE
  return Join(names);
}

}  // namespace

std::string Kernels() {
  constexpr std::string_view kHead[] = {"operator", "kernels, best first (CPU level)"};
  Table table(kHead);
  for (const ir::OpInfo& op : ir::AllOps()) {
    std::vector<std::string> kernels;
    for (kernels::KernelRows rows : runtime::FamiliesOf(op.kind)) {
      for (const kernels::KernelRow& row : rows()) {
        kernels.push_back(Code(std::string(row.family) + "/" + std::string(row.name)) + " (" +
                          std::string(CpuLevelName(row.level)) + ")");
      }
    }
    table.Row(std::array{Code(op.text_name), Join(kernels)});
  }
  return "# Kernels\n\nFrom `tersor/runtime/operator_kernels.inc` and the `kernels.inc` of each "
         "family, in the order in which they are asked, as built for x86-64 with oneDNN. The "
         "first one takes the case whose level the CPU has and whose maker accepts it.\n\n" +
         table.text();
}

std::string Coverage() {
  constexpr std::string_view kHead[] = {"operator", "reference", "fast", "gradient", "TFLite"};
  Table table(kHead);
  for (const ir::OpInfo& op : ir::AllOps()) {
    bool reference = false;
    std::set<CpuLevel> fast;
    for (kernels::KernelRows rows : runtime::FamiliesOf(op.kind)) {
      for (const kernels::KernelRow& row : rows()) {
        if (row.level == CpuLevel::kAny) {
          reference = true;
        } else {
          fast.insert(row.level);
        }
      }
    }
    std::vector<std::string> levels;
    for (CpuLevel level : fast) levels.emplace_back(CpuLevelName(level));
    table.Row(std::array{Code(op.text_name), std::string(reference ? "yes" : ""), Join(levels),
                         std::string(HasGradient(op.kind) ? "yes" : ""), TfliteNames(op.kind)});
  }
  return "# Coverage\n\nWhat knows each operator: the kernel lists, "
         "`tersor/transforms/gradients.inc` and `tersor/formats/tflite/ops.inc`. An empty cell is "
         "a hole: legal, and visible here. An operator without a kernel of its own is turned into "
         "others before a graph is compiled.\n\n" +
         table.text();
}

std::string Passes() {
  constexpr std::string_view kHead[] = {"pass", "what it does", "what it leaves alone"};
  Table table(kHead);
#define PASS(name, function, doc, leaves_alone) \
  table.Row(std::array<std::string, 3>{Code(#name), doc, leaves_alone});
#include "tersor/transforms/passes.inc"
#undef PASS
  return "# Passes\n\nFrom `tersor/transforms/passes.inc`. No pass changes the types of inputs and "
         "outputs, nor what they are; a value inside the graph that a pass does not name keeps its "
         "type.\n\n" +
         table.text();
}

std::string Formats() {
  constexpr std::string_view kHead[] = {"format", "extension", "what it holds"};
  Table table(kHead);
#define FORMAT(name, extension, doc) \
  table.Row(std::array<std::string, 3>{#name, Code(extension), doc});
#include "tersor/formats/formats.inc"
#undef FORMAT
  return "# Model formats\n\nFrom `tersor/formats/formats.inc`. A file that is read is known by "
         "its "
         "content, one that is written by its extension.\n\n" +
         table.text();
}

std::string Datasets() {
  constexpr std::string_view kHead[] = {"name", "how to get it"};
  Table table(kHead);
#define DATASET(name, path, how_to_get, classes) \
  table.Row(std::array<std::string, 2>{Code(name), how_to_get});
#include "tersor/data/datasets.inc"
#undef DATASET
  constexpr std::string_view kKindHead[] = {"kind", "what it is"};
  Table kinds(kKindHead);
#define KIND(name, doc) kinds.Row(std::array<std::string, 2>{#name, doc});
#include "tersor/data/kinds.inc"
#undef KIND
  return "# Data sets\n\nA name from `tersor/data/datasets.inc`:\n\n" + table.text() +
         "\nOr a path to a source of one of these kinds, from `tersor/data/kinds.inc`, tried in "
         "this "
         "order (docs/data.md):\n\n" +
         kinds.text();
}

}  // namespace tersor::docs
