#include "tersor/compression/quantization/prepare.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "tersor/transforms/constants.h"
#include "tersor/transforms/passes.h"

namespace tersor::compression {
namespace {

using ir::kNoValue;
using ir::Node;
using ir::OpKind;
using ir::ValueId;
using transforms::NameOf;
using transforms::ReadConstant;

// A multiply or add of f32 by constants along the last axis, without activation.
struct Affine {
  ValueId input = kNoValue;
  int constant_operand = 1;
  std::vector<double> constant;
};

std::optional<Affine> MatchAffine(const ir::Graph& graph, const std::vector<bool>& constants,
                                  const Node& node) {
  if (node.op() != OpKind::kMultiply && node.op() != OpKind::kAdd) return std::nullopt;
  if (node.attributes().ActivationOf() != Activation::kNone) return std::nullopt;
  const TensorType& type = graph.value(node.result()).type();
  if (type.dtype != DType::kF32 || type.shape.rank() < 2) return std::nullopt;
  for (int side = 1; side >= 0; --side) {
    const ValueId other = node.operand(side), input = node.operand(1 - side);
    if (!constants[static_cast<size_t>(other)]) continue;
    if (graph.value(input).type().shape != type.shape) continue;
    auto constant =
        transforms::ReadChannelConstant(graph, other, type.shape[type.shape.rank() - 1]);
    if (constant) return Affine{input, side, *std::move(constant)};
  }
  return std::nullopt;
}

// Constants of a layer: its filter as rows of output channels, and its bias.
struct Layer {
  std::vector<double> filter, bias;
  size_t row = 0, inputs = 0;
};

std::optional<Layer> ReadLayer(const ir::Graph& graph, const std::vector<bool>& constants,
                               const Node& node) {
  auto constant = [&](ValueId id) { return constants[static_cast<size_t>(id)]; };
  if (!node.info().is_layer() || !constant(node.operand(1))) return std::nullopt;
  const Shape& shape = graph.value(node.operand(1)).type().shape;
  Layer layer;
  auto filter = ReadConstant(graph, node.operand(1));
  if (!filter) return std::nullopt;
  layer.filter = *std::move(filter);
  layer.inputs = static_cast<size_t>(shape[shape.rank() - 1]);
  layer.row = layer.filter.size() / static_cast<size_t>(shape[0]);
  layer.bias.assign(static_cast<size_t>(shape[0]), 0.0);
  if (node.operand(2) != kNoValue) {
    auto bias = constant(node.operand(2)) ? ReadConstant(graph, node.operand(2)) : std::nullopt;
    if (!bias) return std::nullopt;
    layer.bias = *std::move(bias);
  }
  return layer;
}

// Gives an operand new constant data, in place of what it read.
Status Replace(ir::Graph& graph, Node* node, int index, const Shape& shape,
               const std::vector<double>& values, const std::string& new_name) {
  const ValueId old = node->operand(index);
  const bool known = old != kNoValue;
  TERSOR_ASSIGN_OR_RETURN(
      const ValueId fresh,
      transforms::AddConstant(graph, known ? graph.value(old).name() : new_name, shape, values,
                              !known || graph.value(old).trainable()));
  graph.SetOperand(node, index, fresh);
  if (known && graph.UseCount(old) == 0) {
    const std::string name = graph.value(old).name();
    graph.RemoveVariable(old);
    graph.SetName(fresh, name);
  }
  return OkStatus();
}

Status WriteLayer(ir::Graph& graph, Node* node, const Layer& layer) {
  const Shape shape = graph.value(node->operand(1)).type().shape;
  TERSOR_RETURN_IF_ERROR(Replace(graph, node, 1, shape, layer.filter, ""));
  const bool needed =
      std::any_of(layer.bias.begin(), layer.bias.end(), [](double b) { return b != 0; });
  if (node->operand(2) == kNoValue && !needed) return OkStatus();
  return Replace(graph, node, 2, {shape[0]}, layer.bias,
                 graph.value(node->operand(1)).name() + ".bias");
}

// The affine that a layer reads, through max pools and flattenings that nobody else reads.
struct Reached {
  Node* affine = nullptr;
  bool pooled = false;
};

Reached FindAffineBefore(const ir::Graph& graph, ValueId value) {
  Reached found;
  for (;;) {
    Node* node = graph.value(value).producer();
    if (node == nullptr || graph.UseCount(value) != 1) return {};
    if (node->op() == OpKind::kMultiply || node->op() == OpKind::kAdd) {
      found.affine = node;
      return found;
    }
    const Shape& before = graph.value(node->operand(0)).type().shape;
    const Shape& after = graph.value(value).type().shape;
    if (node->op() == OpKind::kMaxPool2d &&
        node->attributes().ActivationOf() == Activation::kNone) {
      found.pooled = true;
    } else if (node->op() != OpKind::kReshape || after.rank() != 2 || before.rank() == 0 ||
               before[0] != after[0]) {
      return {};
    }
    value = node->operand(0);
  }
}

Result<bool> FoldIntoLayer(ir::Graph& graph, Node* node, transforms::RewriteReport& report) {
  const std::vector<bool> constants = transforms::FindConstants(graph);
  auto layer = ReadLayer(graph, constants, *node);
  if (!layer || node->attributes().Has(Attr::groups)) return false;
  if (transforms::HasPaddedCells(graph, *node)) return false;
  const Reached found = FindAffineBefore(graph, node->operand(0));
  if (found.affine == nullptr) return false;
  const auto affine = MatchAffine(graph, constants, *found.affine);
  if (!affine) return false;
  const bool multiply = found.affine->op() == OpKind::kMultiply;
  const size_t channels = affine->constant.size();
  if (layer->inputs % channels != 0) return false;
  if (multiply && found.pooled &&
      std::any_of(affine->constant.begin(), affine->constant.end(),
                  [](double factor) { return !(factor >= 0); })) {
    return false;
  }
  for (size_t i = 0; i < layer->filter.size(); ++i) {
    const double constant = affine->constant[i % layer->inputs % channels];
    if (multiply) {
      layer->filter[i] *= constant;
    } else {
      layer->bias[i / layer->row] += layer->filter[i] * constant;
    }
  }
  TERSOR_RETURN_IF_ERROR(WriteLayer(graph, node, *layer));
  report.Changed(node->info().text_name, ' ', NameOf(graph, node->result()), ": took over ",
                 found.affine->info().text_name, ' ', NameOf(graph, found.affine->result()));
  graph.ReplaceUses(found.affine->result(), affine->input);
  graph.RemoveNode(found.affine);
  return true;
}

}  // namespace

Status FoldAffineIntoUnpaddedLayer(ir::Graph& graph, transforms::RewriteReport& report) {
  for (Node* node : graph.SnapshotNodes()) {
    if (!node->info().is_layer()) continue;  // an affine is never a layer: the node is still there
    for (bool changed = true; changed;) {
      TERSOR_ASSIGN_OR_RETURN(changed, FoldIntoLayer(graph, node, report));
    }
  }
  graph.RemoveDead();
  return OkStatus();
}

Status FoldScaleThroughRelu(ir::Graph& graph, transforms::RewriteReport& report) {
  for (Node* node : graph.SnapshotNodes()) {
    const std::vector<bool> constants = transforms::FindConstants(graph);
    if (node->op() != OpKind::kMultiply) continue;
    const auto affine = MatchAffine(graph, constants, *node);
    if (!affine || graph.UseCount(affine->input) != 1) continue;
    Node* producer = graph.value(affine->input).producer();
    if (producer == nullptr || !producer->info().is_layer()) continue;
    if (producer->attributes().ActivationOf() != Activation::kRelu) continue;
    auto layer = ReadLayer(graph, constants, *producer);
    if (!layer) continue;
    const std::vector<double>& factors = affine->constant;
    const bool rises = std::all_of(factors.begin(), factors.end(), [](double a) { return a >= 0; });
    const bool only_signs =
        std::all_of(factors.begin(), factors.end(), [](double a) { return std::fabs(a) == 1; });
    if (!rises && only_signs) continue;
    for (size_t i = 0; i < layer->filter.size(); ++i) {
      layer->filter[i] *= std::fabs(factors[i / layer->row]);
    }
    for (size_t o = 0; o < layer->bias.size(); ++o) layer->bias[o] *= std::fabs(factors[o]);
    TERSOR_RETURN_IF_ERROR(WriteLayer(graph, producer, *layer));
    report.Changed(producer->info().text_name, ' ', NameOf(graph, affine->input),
                   rises ? ": took over multiply " : ": took over the magnitudes of multiply ",
                   NameOf(graph, node->result()));
    if (rises) {
      graph.ReplaceUses(node->result(), affine->input);
      graph.RemoveNode(node);
      continue;
    }
    std::vector<double> signs;
    for (double factor : factors) signs.push_back(factor < 0 ? -1 : 1);
    TERSOR_RETURN_IF_ERROR(Replace(graph, node, affine->constant_operand,
                                   {static_cast<int64_t>(signs.size())}, signs, ""));
  }
  graph.RemoveDead();
  return OkStatus();
}

Result<ir::Graph> PrepareForQuantization(const ir::Graph& model) {
  ir::Graph prepared = model.Clone();
  const transforms::Pass passes[] = {
      {"remove-dropout", transforms::RemoveDropout, ""},
      {"lower", transforms::Lower, ""},
      {"simplify", transforms::Simplify, ""},
      {"fold-constants", transforms::FoldConstants, ""},
      {"fold-batch-norms", transforms::FoldBatchNorms, ""},
      {"fuse-activations", transforms::FuseActivations, ""},
      {"fold-affine-into-previous", transforms::FoldAffineIntoPrevious, ""},
      {"fold-affine-into-unpadded-layer", FoldAffineIntoUnpaddedLayer, ""},
      {"fold-scale-through-relu", FoldScaleThroughRelu, ""},
      {"simplify", transforms::Simplify, ""},
      {"remove-dead", transforms::RemoveDead, ""},
  };
  TERSOR_ASSIGN_OR_RETURN(const auto runs, transforms::RunPipeline(prepared, passes));
  (void)runs;
  return prepared;
}

}  // namespace tersor::compression
