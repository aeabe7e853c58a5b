// Operators that do nothing go; operators on constants are worked out.
#include <algorithm>

#include "tersor/runtime/executable.h"
#include "tersor/transforms/constants.h"
#include "tersor/transforms/passes.h"

namespace tersor::transforms {
namespace {

using ir::kNoValue;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

// A folded constant may be larger than its operands (a broadcast); beyond this it is not worth its
// bytes.
constexpr int64_t kMaxFoldedBytes = int64_t{64} << 20;

bool IsUniform(const ir::Graph& graph, ValueId id, double wanted) {
  auto values = ReadConstant(graph, id);
  return values &&
         std::all_of(values->begin(), values->end(), [&](double value) { return value == wanted; });
}

bool IsIdentityPermutation(const std::vector<int64_t>& permutation) {
  for (size_t i = 0; i < permutation.size(); ++i) {
    if (permutation[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

bool AllZero(const std::vector<int64_t>& values) {
  return std::all_of(values.begin(), values.end(), [](int64_t value) { return value == 0; });
}

// The bounds that a value keeps because of the activation that makes it.
ActivationBounds BoundsOfResult(const ir::Graph& graph, ValueId id) {
  const Node* source = graph.value(id).producer();
  if (source == nullptr) return BoundsOf(Activation::kNone);
  if (const auto activation = ir::ActivationFor(source->op())) return BoundsOf(*activation);
  const bool fused = source->info().HasAttribute(Attr::activation);
  return BoundsOf(fused ? source->attributes().ActivationOf() : Activation::kNone);
}

// The value that `node` merely repeats, or kNoValue.
ValueId Repeats(const ir::Graph& graph, const Node& node) {
  const ValueId input = node.operand(0);
  const TensorType& type = graph.value(node.result()).type();
  auto same_type = [&](ValueId id) { return graph.value(id).type() == type; };
  switch (node.op()) {
    case OpKind::kReshape:
    case OpKind::kCast:
      return same_type(input) ? input : kNoValue;
    case OpKind::kTranspose:
      return IsIdentityPermutation(node.attributes().Ints(Attr::permutation)) ? input : kNoValue;
    case OpKind::kPad:
      return AllZero(node.attributes().Ints(Attr::pads)) && same_type(input) ? input : kNoValue;
    case OpKind::kConcat:
      return node.operands().size() == 1 && same_type(input) ? input : kNoValue;
    case OpKind::kQuantize: {
      if (same_type(input)) return input;
      const Node* source = graph.value(input).producer();
      if (source != nullptr && source->op() == OpKind::kDequantize &&
          same_type(source->operand(0))) {
        return source->operand(0);
      }
      return kNoValue;
    }
    case OpKind::kAdd:
    case OpKind::kSubtract:
    case OpKind::kMultiply:
    case OpKind::kDivide: {
      if (type.dtype != DType::kF32 || node.attributes().Has(Attr::activation)) return kNoValue;
      const bool scales = node.op() == OpKind::kMultiply || node.op() == OpKind::kDivide;
      const bool commutes = node.op() == OpKind::kAdd || node.op() == OpKind::kMultiply;
      const double neutral = scales ? 1.0 : 0.0;
      if (IsUniform(graph, node.operand(1), neutral) && same_type(input)) return input;
      if (commutes && IsUniform(graph, input, neutral) && same_type(node.operand(1))) {
        return node.operand(1);
      }
      return kNoValue;
    }
    default: {
      const auto activation = ir::ActivationFor(node.op());
      if (!activation || !same_type(input)) return kNoValue;
      const ActivationBounds wanted = BoundsOf(*activation), known = BoundsOfResult(graph, input);
      return known.low >= wanted.low && known.high <= wanted.high ? input : kNoValue;
    }
  }
}

}  // namespace

Status RemoveDead(ir::Graph& graph, RewriteReport& report) {
  if (const int removed = graph.RemoveDead(); removed > 0) {
    report.Changed("removed ", removed, " dead nodes and variables");
  }
  return OkStatus();
}

Status RemoveDropout(ir::Graph& graph, RewriteReport& report) {
  for (Node* node : graph.SnapshotNodes()) {
    if (node->op() != OpKind::kDropout) continue;
    report.Changed("removed dropout ", NameOf(graph, node->result()));
    graph.ReplaceUses(node->result(), node->operand(0));
    graph.RemoveNode(node);
  }
  return OkStatus();
}

Status Simplify(ir::Graph& graph, RewriteReport& report) {
  for (bool changed = true; changed;) {
    changed = false;
    for (Node* node : graph.SnapshotNodes()) {
      if (node->results().size() != 1) continue;
      // reshape(reshape(x)) reads x.
      if (node->op() == OpKind::kReshape) {
        const Node* source = graph.value(node->operand(0)).producer();
        if (source != nullptr && source->op() == OpKind::kReshape) {
          graph.SetOperand(node, 0, source->operand(0));
          report.Changed("reshape ", NameOf(graph, node->result()),
                         ": skips the reshape before it");
          changed = true;
        }
      }
      const ValueId source = Repeats(graph, *node);
      if (source == kNoValue) continue;
      // An output keeps its own value when it would become an input or a variable.
      if (graph.IsOutput(node->result()) &&
          graph.value(source).kind() != ir::Value::Kind::kResult) {
        continue;
      }
      report.Changed("removed ", node->info().text_name, ' ', NameOf(graph, node->result()));
      graph.ReplaceUses(node->result(), source);
      graph.RemoveNode(node);
      changed = true;
    }
  }
  graph.RemoveDead();
  return OkStatus();
}

Status FoldConstants(ir::Graph& graph, RewriteReport& report) {
  std::vector<bool> constants = FindConstants(graph);
  for (Node* node : graph.SnapshotNodes()) {
    if (node->results().size() != 1 || node->operands().empty()) continue;
    if (node->info().Has(ir::Trait::impure)) continue;
    const bool foldable =
        std::all_of(node->operands().begin(), node->operands().end(), [&](ValueId id) {
          return id == kNoValue ||
                 (static_cast<size_t>(id) < constants.size() && constants[static_cast<size_t>(id)]);
        });
    const TensorType& type = graph.value(node->result()).type();
    if (!foldable || type.shape.IsSymbolic() || type.size_bytes() > kMaxFoldedBytes) continue;

    ir::Graph small("constant");
    std::vector<ValueId> operands;
    for (ValueId id : node->operands()) {
      operands.push_back(id == kNoValue ? kNoValue
                                        : small.AddVariable(graph.value(id).name(),
                                                            graph.value(id).data(), false));
    }
    TERSOR_ASSIGN_OR_RETURN(Node * copy,
                            small.AddNode(node->op(), operands, node->attributes(), type));
    small.AddOutput(copy->result());
    TERSOR_ASSIGN_OR_RETURN(auto results, runtime::RunOnce(small, {}));
    std::string name = graph.value(node->result()).name();
    if (name.empty()) name = graph.value(node->operands()[0]).name() + ".folded";
    report.Changed("worked out ", node->info().text_name, ' ', name);
    bool trainable = false;
    for (ValueId id : node->operands()) {
      trainable = trainable || (id != kNoValue && graph.value(id).trainable());
    }
    graph.SetName(node->result(), "");
    const ValueId folded = graph.AddVariable(std::move(name), std::move(results[0]), trainable);
    graph.ReplaceUses(node->result(), folded);
    graph.RemoveNode(node);
    constants.resize(static_cast<size_t>(graph.num_values()), false);
    constants[static_cast<size_t>(folded)] = true;
  }
  graph.RemoveDead();
  return OkStatus();
}

Status FuseActivations(ir::Graph& graph, RewriteReport& report) {
  for (Node* node : graph.SnapshotNodes()) {
    const auto activation = ir::ActivationFor(node->op());
    if (!activation) continue;
    const ValueId between = node->operand(0);
    Node* source = graph.value(between).producer();
    if (source == nullptr || graph.UseCount(between) != 1) continue;
    if (!source->info().HasAttribute(Attr::activation)) continue;
    if (source->attributes().ActivationOf() != Activation::kNone) continue;
    // An integer relu that also changes the scale rounds once more: it stays.
    if (graph.value(between).type() != graph.value(node->result()).type()) continue;
    source->mutable_attributes().Set(Attr::activation, *activation);
    report.Changed(source->info().text_name, ' ', NameOf(graph, between), ": took over ",
                   node->info().text_name);
    graph.ReplaceUses(node->result(), between);
    graph.RemoveNode(node);
  }
  return OkStatus();
}

}  // namespace tersor::transforms
