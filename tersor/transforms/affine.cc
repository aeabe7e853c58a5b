// Constant multiplies and adds move to, and into, the layers beside them.
//
// Trained models are full of channel affines y = a*x + b: batch norms, and the multiplies and adds
// that other tools leave of them. Where they stand before the activation they fold into the layer
// before them; where they stand after it (the survey's CNN family: convolution, relu, batch norm),
// into the layer behind.
//
//   multiply:  conv(a * x; w, bias, pad)  =  conv(x; w * a along the input channels, bias, pad / a)
//   add:       conv(x + b; w, bias, pad)  =  conv(x; w, bias + sum of w over taps and channels of
//   b, pad - b)
//
// `pad` is what padded cells hold: 0 unless the convolution has a padding value. With zero padding
// the original sees 0 at the border *after* the affine, so the folded one must see the x for which
// a*x + b = 0. Folding is exact up to rounding: constants are combined in double.
#include <algorithm>
#include <cmath>
#include <tuple>

#include "tersor/transforms/constants.h"
#include "tersor/transforms/passes.h"

namespace tersor::transforms {
namespace {

using ir::kNoValue;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

struct Affine {
  Node* node = nullptr;
  ValueId input = kNoValue;      // what it scales or shifts
  bool multiply = false;         // else add
  std::vector<double> constant;  // per channel of the last axis
};

// `value` as a multiply or add by a channel constant, in f32, without activation.
std::optional<Affine> MatchAffine(const ir::Graph& graph, const std::vector<bool>& constants,
                                  ValueId value) {
  Node* node = graph.value(value).producer();
  if (node == nullptr) return std::nullopt;
  if (node->op() != OpKind::kMultiply && node->op() != OpKind::kAdd) return std::nullopt;
  if (node->attributes().ActivationOf() != Activation::kNone) return std::nullopt;
  const TensorType& type = graph.value(value).type();
  if (type.dtype != DType::kF32 || type.shape.rank() < 2) return std::nullopt;
  const int64_t channels = type.shape[type.shape.rank() - 1];
  for (int side = 1; side >= 0; --side) {
    const ValueId other = node->operand(side), input = node->operand(1 - side);
    if (static_cast<size_t>(other) >= constants.size() || !constants[static_cast<size_t>(other)]) {
      continue;
    }
    if (graph.value(input).type().shape != type.shape) continue;
    auto constant = ReadChannelConstant(graph, other, channels);
    if (!constant) continue;
    return Affine{node, input, node->op() == OpKind::kMultiply, *std::move(constant)};
  }
  return std::nullopt;
}

bool IsF32Layer(const ir::Graph& graph, const Node& node) {
  return node.info().is_layer() && graph.value(node.operand(0)).type().dtype == DType::kF32 &&
         graph.value(node.operand(1)).type().dtype == DType::kF32;
}

// The layer's constants, as doubles.
struct LayerConstants {
  std::vector<double> filter, bias;
  int64_t outputs = 0, inputs = 0, taps = 1;
  Shape filter_shape;
};

std::optional<LayerConstants> ReadLayer(const ir::Graph& graph, const std::vector<bool>& constants,
                                        const Node& layer) {
  auto is_constant = [&](ValueId id) {
    return static_cast<size_t>(id) < constants.size() && constants[static_cast<size_t>(id)];
  };
  if (!is_constant(layer.operand(1))) return std::nullopt;
  if (layer.operand(2) != kNoValue && !is_constant(layer.operand(2))) return std::nullopt;
  LayerConstants read;
  auto filter = ReadConstant(graph, layer.operand(1));
  if (!filter) return std::nullopt;
  read.filter = *std::move(filter);
  read.filter_shape = graph.value(layer.operand(1)).type().shape;
  read.outputs = read.filter_shape[0];
  read.inputs = read.filter_shape[read.filter_shape.rank() - 1];
  read.taps = read.filter_shape.num_elements() / (read.outputs * read.inputs);
  if (layer.operand(2) != kNoValue) {
    auto bias = ReadConstant(graph, layer.operand(2));
    if (!bias) return std::nullopt;
    read.bias = *std::move(bias);
  } else {
    read.bias.assign(static_cast<size_t>(read.outputs), 0.0);
  }
  return read;
}

// New data for operand `index` of the layer: in the variable itself where nobody else reads it.
Status WriteOperand(ir::Graph& graph, Node* layer, int index, std::string name, const Shape& shape,
                    const std::vector<double>& values) {
  const ValueId old = layer->operand(index);
  if (old != kNoValue) name = graph.value(old).name();
  const bool trainable = old == kNoValue || graph.value(old).trainable();
  TERSOR_ASSIGN_OR_RETURN(ValueId fresh,
                          AddConstant(graph, std::move(name), shape, values, trainable));
  if (old == kNoValue || graph.UseCount(old) > 1) {
    graph.SetOperand(layer, index, fresh);
    return OkStatus();
  }
  graph.value(old).set_data(graph.value(fresh).data());
  graph.RemoveVariable(fresh);
  return OkStatus();
}

Status WriteLayer(ir::Graph& graph, Node* layer, const LayerConstants& constants) {
  const std::string bias_name = graph.value(layer->operand(1)).name() + ".bias";
  TERSOR_RETURN_IF_ERROR(
      WriteOperand(graph, layer, 1, "", constants.filter_shape, constants.filter));
  return WriteOperand(graph, layer, 2, bias_name, {constants.outputs}, constants.bias);
}

}  // namespace

Status FoldAffineIntoNext(ir::Graph& graph, RewriteReport& report) {
  for (bool changed = true; changed;) {
    changed = false;
    const std::vector<bool> constants = FindConstants(graph);
    for (Node* layer : graph.SnapshotNodes()) {
      if (!IsF32Layer(graph, *layer)) continue;
      if (layer->attributes().Has(Attr::groups)) continue;
      const ValueId between = layer->operand(0);
      auto affine = MatchAffine(graph, constants, between);
      if (!affine || graph.UseCount(between) != 1) continue;
      auto read = ReadLayer(graph, constants, *layer);
      if (!read) continue;

      const bool padded = HasPaddedCells(graph, *layer);
      std::vector<double> padding(static_cast<size_t>(read->inputs), 0.0);
      if (padded && layer->operand(3) != kNoValue) {
        auto old_padding = ReadConstant(graph, layer->operand(3));
        if (!old_padding) continue;
        padding = *std::move(old_padding);
      }
      const auto inputs = static_cast<size_t>(read->inputs);
      if (affine->multiply) {
        for (size_t i = 0; i < read->filter.size(); ++i) {
          read->filter[i] *= affine->constant[i % inputs];
        }
        for (size_t c = 0; c < inputs; ++c) {
          // A channel that is multiplied by 0 has a filter of 0: what its padding holds does not
          // matter.
          padding[c] = affine->constant[c] == 0 ? 0.0 : padding[c] / affine->constant[c];
        }
      } else {
        const size_t row = inputs * static_cast<size_t>(read->taps);
        for (size_t i = 0; i < read->filter.size(); ++i) {
          read->bias[i / row] += read->filter[i] * affine->constant[i % inputs];
        }
        for (size_t c = 0; c < inputs; ++c) padding[c] -= affine->constant[c];
      }
      if (std::any_of(padding.begin(), padding.end(),
                      [](double p) { return !std::isfinite(static_cast<float>(p)); })) {
        continue;
      }
      TERSOR_RETURN_IF_ERROR(WriteLayer(graph, layer, *read));
      if (padded) {
        TERSOR_RETURN_IF_ERROR(WriteOperand(graph, layer, 3,
                                            graph.value(layer->operand(1)).name() + ".padding",
                                            {read->inputs}, padding));
      }
      graph.SetOperand(layer, 0, affine->input);
      report.Changed(layer->info().text_name, ' ', NameOf(graph, layer->result()), ": took over ",
                     affine->node->info().text_name, ' ', NameOf(graph, between));
      graph.RemoveNode(affine->node);
      changed = true;
      break;  // ids of the constants have changed
    }
  }
  graph.RemoveDead();
  return OkStatus();
}

Status FoldAffineIntoPrevious(ir::Graph& graph, RewriteReport& report) {
  for (bool changed = true; changed;) {
    changed = false;
    const std::vector<bool> constants = FindConstants(graph);
    for (Node* node : graph.SnapshotNodes()) {
      if (node->op() != OpKind::kMultiply && node->op() != OpKind::kAdd) continue;
      // An activation of the affine becomes the layer's.
      const Activation activation = node->attributes().ActivationOf();
      node->mutable_attributes().Erase(Attr::activation);
      auto affine = MatchAffine(graph, constants, node->result());
      node->mutable_attributes().Set(Attr::activation, activation);
      if (!affine || graph.UseCount(affine->input) != 1) continue;
      Node* layer = graph.value(affine->input).producer();
      if (layer == nullptr || !IsF32Layer(graph, *layer)) continue;
      if (layer->attributes().ActivationOf() != Activation::kNone) continue;
      auto read = ReadLayer(graph, constants, *layer);
      if (!read) continue;

      const size_t row = static_cast<size_t>(read->inputs * read->taps);
      for (size_t o = 0; o < static_cast<size_t>(read->outputs); ++o) {
        if (!affine->multiply) {
          read->bias[o] += affine->constant[o];
          continue;
        }
        read->bias[o] *= affine->constant[o];
        for (size_t i = 0; i < row; ++i) read->filter[o * row + i] *= affine->constant[o];
      }
      TERSOR_RETURN_IF_ERROR(WriteLayer(graph, layer, *read));
      layer->mutable_attributes().Set(Attr::activation, activation);
      report.Changed(layer->info().text_name, ' ', NameOf(graph, layer->result()), ": took over ",
                     node->info().text_name, ' ', NameOf(graph, node->result()));
      graph.ReplaceUses(node->result(), layer->result());
      graph.RemoveNode(node);
      changed = true;
      break;
    }
  }
  graph.RemoveDead();
  return OkStatus();
}

Status SinkAffine(ir::Graph& graph, RewriteReport& report) {
  for (bool changed = true; changed;) {
    changed = false;
    const std::vector<bool> constants = FindConstants(graph);
    for (Node* mover : graph.SnapshotNodes()) {
      const bool pool = mover->op() == OpKind::kMaxPool2d;
      if (!pool && mover->op() != OpKind::kReshape) continue;
      if (mover->attributes().Has(Attr::activation)) continue;
      const ValueId between = mover->operand(0);
      auto affine = MatchAffine(graph, constants, between);
      if (!affine || graph.UseCount(between) != 1) continue;
      const Shape& before = graph.value(between).type().shape;
      const Shape& after = graph.value(mover->result()).type().shape;
      std::vector<double> constant = affine->constant;
      if (pool) {
        if (affine->multiply && std::any_of(constant.begin(), constant.end(),
                                            [](double factor) { return !(factor > 0); })) {
          continue;
        }
      } else {
        // [N,...,C] -> [N, m*C]: the constant repeats.
        if (after.rank() != 2 || before[0] != after[0] || IsSymbol(after[1])) continue;
        const size_t channels = constant.size();
        constant.resize(static_cast<size_t>(after[1]));
        for (size_t i = channels; i < constant.size(); ++i) constant[i] = constant[i - channels];
      }
      const ValueId old = affine->node->operand(0) == affine->input ? affine->node->operand(1)
                                                                    : affine->node->operand(0);
      ValueId id = old;
      if (static_cast<int64_t>(constant.size()) != graph.value(old).type().shape.num_elements()) {
        TERSOR_ASSIGN_OR_RETURN(
            id, AddConstant(graph, graph.value(old).name(), {static_cast<int64_t>(constant.size())},
                            constant, graph.value(old).trainable()));
      }
      // The node behind `mover`: the affine on the moved value.
      const auto& nodes = graph.nodes();
      auto place = std::find_if(nodes.begin(), nodes.end(),
                                [&](const auto& other) { return other.get() == mover; });
      const Node* next = std::next(place) == nodes.end() ? nullptr : std::next(place)->get();
      TERSOR_ASSIGN_OR_RETURN(Node * sunk, graph.AddNode(affine->node->op(), {mover->result(), id},
                                                         {}, std::nullopt, next));
      graph.ReplaceUses(mover->result(), sunk->result(), sunk);
      graph.SetOperand(mover, 0, affine->input);
      report.Changed(affine->node->info().text_name, ' ', NameOf(graph, sunk->result()),
                     ": moved behind ", mover->info().text_name);
      graph.RemoveNode(affine->node);
      if (id != old && graph.UseCount(old) == 0) {
        const std::string name = graph.value(old).name();
        graph.RemoveVariable(old);
        graph.SetName(id, name);
      }
      changed = true;
      break;
    }
  }
  graph.RemoveDead();
  return OkStatus();
}

}  // namespace tersor::transforms
