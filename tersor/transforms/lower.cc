// Operators without a kernel of their own become ones that have it.
#include <cmath>

#include "tersor/transforms/constants.h"
#include "tersor/transforms/passes.h"

namespace tersor::transforms {
namespace {

using ir::kNoValue;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

}  // namespace

// Weights stored as f16, bf16 or (weight-only and dynamic range) quantized integers under an f32
// layer are read through a cast or dequantize node, which constant folding then works out: what
// runs is f32, what is stored in the file stays small, because this runs on a clone at compile
// time.
Status Lower(ir::Graph& graph, RewriteReport& report) {
  for (Node* node : graph.SnapshotNodes()) {
    if (!node->info().is_layer()) continue;
    if (graph.value(node->operand(0)).type().dtype != DType::kF32) continue;
    for (int index : {node->info().weight(), node->info().bias()}) {
      const ValueId weight = node->operand(index);
      if (weight == kNoValue) continue;
      const TensorType& type = graph.value(weight).type();
      if (type.dtype == DType::kF32) continue;
      Node* widened = nullptr;
      if (type.quantization.has_value()) {
        TERSOR_ASSIGN_OR_RETURN(
            widened, graph.AddNode(OpKind::kDequantize, {weight}, {}, std::nullopt, node));
      } else {
        Attributes attributes;
        attributes.Set(Attr::dtype, DType::kF32);
        TERSOR_ASSIGN_OR_RETURN(
            widened, graph.AddNode(OpKind::kCast, {weight}, attributes, std::nullopt, node));
      }
      graph.SetOperand(node, index, widened->result());
      report.Changed(node->info().text_name, ' ', NameOf(graph, node->result()), ": widens ",
                     NameOf(graph, weight));
    }
  }
  return OkStatus();
}

Status FoldBatchNorms(ir::Graph& graph, RewriteReport& report) {
  for (Node* node : graph.SnapshotNodes()) {
    if (node->op() != OpKind::kBatchNorm) continue;
    const Shape& shape = graph.value(node->result()).type().shape;
    const int64_t channels = shape[shape.rank() - 1];
    std::vector<double> parts[4];  // scale, offset, mean, variance
    bool constant = true;
    for (int i = 0; i < 4; ++i) {
      auto part = ReadChannelConstant(graph, node->operand(i + 1), channels);
      constant = constant && part.has_value();
      if (part) parts[i] = *std::move(part);
    }
    if (!constant) continue;
    const double epsilon = node->attributes().Float(Attr::epsilon);
    std::vector<double> factor(parts[0].size()), shift(parts[0].size());
    for (size_t c = 0; c < factor.size(); ++c) {
      factor[c] = parts[0][c] / std::sqrt(parts[3][c] + epsilon);
      shift[c] = parts[1][c] - parts[2][c] * factor[c];
    }
    const std::string name = graph.value(node->operand(1)).name();
    TERSOR_ASSIGN_OR_RETURN(ValueId factor_id,
                            AddConstant(graph, name + ".factor", {channels}, factor));
    TERSOR_ASSIGN_OR_RETURN(ValueId shift_id,
                            AddConstant(graph, name + ".shift", {channels}, shift));
    TERSOR_ASSIGN_OR_RETURN(
        Node * product,
        graph.AddNode(OpKind::kMultiply, {node->operand(0), factor_id}, {}, std::nullopt, node));
    TERSOR_ASSIGN_OR_RETURN(Node * sum, graph.AddNode(OpKind::kAdd, {product->result(), shift_id},
                                                      {}, std::nullopt, node));
    report.Changed("batch_norm ", NameOf(graph, node->result()), ": became multiply and add");
    graph.ReplaceUses(node->result(), sum->result());
    graph.RemoveNode(node);
  }
  graph.RemoveDead();
  return OkStatus();
}

}  // namespace tersor::transforms
