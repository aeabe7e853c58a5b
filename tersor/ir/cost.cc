#include "tersor/ir/cost.h"

#include <limits>

namespace tersor::ir {
namespace {

int64_t Multiply(int64_t a, int64_t b) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::numeric_limits<int64_t>::max();
  return product;
}

int64_t Add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::numeric_limits<int64_t>::max();
  return sum;
}

// A filter [O, ...]: each output cell of one channel costs the elements of one filter.
int64_t FilterMacs(const Shape& output, const Shape& filter) {
  if (filter.rank() == 0 || filter[0] == 0) return 0;
  return Multiply(output.num_elements(), filter.num_elements() / filter[0]);
}

}  // namespace

int64_t MacsOf(const Node& node, const std::function<const Shape&(ValueId)>& shape) {
  if (node.info().is_layer()) {
    return FilterMacs(shape(node.result()), shape(node.operand(node.info().weight())));
  }
  switch (node.op()) {
    case OpKind::kConv2dGradFilter:
      return FilterMacs(shape(node.operand(1)), shape(node.result()));
    case OpKind::kConv2dGradInput:
      return FilterMacs(shape(node.operand(1)), shape(node.operand(0)));
    case OpKind::kMatMul: {
      const Shape& lhs = shape(node.operand(0));
      const int inner = lhs.rank() - (node.attributes().Bool(Attr::transpose_lhs) ? 2 : 1);
      const int64_t terms = IsSymbol(lhs[inner]) ? 1 : lhs[inner];
      return Multiply(shape(node.result()).num_elements(), terms);
    }
    default:
      return 0;
  }
}

int64_t MacsOf(const Graph& graph, const Node& node) {
  return MacsOf(node, [&](ValueId id) -> const Shape& { return graph.value(id).type().shape; });
}

int64_t MacsOf(const Graph& graph) {
  int64_t total = 0;
  for (const auto& node : graph.nodes()) total = Add(total, MacsOf(graph, *node));
  return total;
}

int64_t VariableBytes(const Graph& graph) {
  int64_t total = 0;
  for (ValueId id : graph.variables()) total = Add(total, graph.value(id).type().size_bytes());
  return total;
}

}  // namespace tersor::ir
