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

int64_t MacsOf(const Graph& graph, const Node& node) {
  auto shape = [&](ValueId id) -> const Shape& { return graph.value(id).type().shape; };
  switch (node.op()) {
    case OpKind::kConv2d:
    case OpKind::kFullyConnected:
      return FilterMacs(shape(node.result()), shape(node.operand(1)));
    case OpKind::kConv2dGradFilter:
      return FilterMacs(shape(node.operand(1)), shape(node.result()));
    case OpKind::kConv2dGradInput:
      return FilterMacs(shape(node.operand(1)), shape(node.operand(0)));
    case OpKind::kMatMul: {
      const Shape& lhs = shape(node.operand(0));
      const int inner = node.attributes().Bool(Attr::transpose_lhs) ? 0 : 1;
      const int64_t terms = lhs[inner] == kBatch ? 1 : lhs[inner];
      return Multiply(shape(node.result()).num_elements(), terms);
    }
    default:
      return 0;
  }
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
