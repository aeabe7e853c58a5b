#include "tersor/runtime/epilogue_chain.h"

namespace tersor::runtime {

using ir::kNoValue;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

namespace {

// The link of an epilogue that does what an operator with the trait `link` does.
kernels::Epilogue::Kind LinkKind(OpKind op) {
  switch (op) {
    case OpKind::kAdd:
      return kernels::Epilogue::Kind::kAdd;
    case OpKind::kMaxPool2d:
      return kernels::Epilogue::Kind::kMaxPool2d;
    case OpKind::kMultiply:
      return kernels::Epilogue::Kind::kMultiply;
    default:
      TERSOR_CHECK(false && "an operator with the trait `link` has no link");
      return {};
  }
}

bool IsBinary(const Node& node) { return node.info().operands.size() == 2; }

// The operand of a binary `node` that is not `value`.
ValueId OtherOperand(const Node& node, ValueId value) {
  return node.operand(0) == value ? node.operand(1) : node.operand(0);
}

// Whether the kernel at `position` can do `node`, which reads its result `value`.
bool FormsLink(const ChainContext& context, const Node& node, ValueId value, size_t position) {
  if (!node.info().Has(ir::Trait::link)) return false;
  if (!IsBinary(node)) return true;
  const ValueId other = OtherOperand(node, value);
  if (other == value) return false;
  const Shape& full = context.type(value).shape;
  if (context.type(node.result()).shape != full) return false;
  const Shape& shape = context.type(other).shape;
  if (context.is_constant(other)) {
    const int64_t count = shape.num_elements();
    return count == 1 ||
           (shape.rank() > 0 && count == shape[shape.rank() - 1] && count == full[full.rank() - 1]);
  }
  if (node.op() != OpKind::kAdd || shape != full) return false;
  const ir::Value::Kind kind = context.graph.value(other).kind();
  return kind == ir::Value::Kind::kInput ||
         (kind == ir::Value::Kind::kResult &&
          context.position[static_cast<size_t>(other)] < position);
}

PlannedLink MakeLink(const Node& node, ValueId value) {
  return {LinkKind(node.op()), IsBinary(node) ? OtherOperand(node, value) : kNoValue,
          node.attributes(), node.result()};
}

}  // namespace

std::vector<EpilogueLink> FindEpilogueChain(const ChainContext& context, const Node& node,
                                            size_t position) {
  std::vector<EpilogueLink> chain;
  if (node.results().size() != 1) return chain;
  if (!node.info().Has(ir::Trait::epilogue)) return chain;
  ValueId value = node.result();
  while (context.uses[static_cast<size_t>(value)] == 1 && !context.graph.IsOutput(value)) {
    const std::vector<Node*> users = context.graph.UsersOf(value);
    if (users.size() != 1 || !FormsLink(context, *users[0], value, position)) break;
    chain.push_back({users[0], MakeLink(*users[0], value)});
    value = users[0]->result();
  }
  return chain;
}

}  // namespace tersor::runtime
