#include "tersor/kernels/simd/epilogue_chain.h"

namespace tersor::kernels {
namespace {

bool IsHalving(const Attributes& attributes, const Shape& input) {
  const std::vector<int64_t> two = {2, 2};
  if (input.rank() != 4 || input[1] < 2 || input[2] < 2) return false;
  if (attributes.Ints(Attr::window) != two || attributes.Ints(Attr::strides) != two) return false;
  const Padding padding = attributes.PaddingOf().Resolve(input[1], input[2], 2, 2, 2, 2, 1, 1);
  return padding.top == 0 && padding.bottom == 0 && padding.left == 0 && padding.right == 0;
}

/// One element, or one a channel along the last axis.
bool IsAlongChannels(const Shape& shape, int64_t channels) {
  const int64_t count = shape.num_elements();
  return count == 1 || (count == channels && shape[shape.rank() - 1] == channels);
}

}  // namespace

std::optional<std::vector<ChainLink>> ReadChain(const KernelSpec& spec, DType dtype) {
  std::vector<ChainLink> links;
  const TensorType* input = &spec.results[0];
  if (input->dtype != dtype || input->shape.rank() == 0) return std::nullopt;
  size_t operand = spec.operands.size();
  for (const Epilogue& epilogue : spec.epilogue) {
    using Kind = ChainLink::Kind;
    ChainLink link = {Kind::kMaxPool2x2, &epilogue, input};
    if (epilogue.result.dtype != dtype) return std::nullopt;
    if (epilogue.kind == Epilogue::Kind::kMaxPool2d) {
      if (&epilogue != &spec.epilogue.back() || !IsHalving(*epilogue.attributes, input->shape)) {
        return std::nullopt;
      }
    } else {
      const ConstTensorView& view = epilogue.operand;
      if (view.type == nullptr || view.dtype() != dtype || epilogue.result.shape != input->shape) {
        return std::nullopt;
      }
      const bool adds = epilogue.kind == Epilogue::Kind::kAdd;
      if (view.data == nullptr) {
        if (!adds || view.shape() != input->shape) return std::nullopt;
        link.kind = Kind::kAddTensor;
        link.operand = operand++;
      } else if (IsAlongChannels(view.shape(), input->shape[input->shape.rank() - 1])) {
        link.kind = adds ? Kind::kAddConstant : Kind::kMultiplyConstant;
      } else {
        return std::nullopt;
      }
    }
    links.push_back(link);
    input = &epilogue.result;
  }
  return links;
}

}  // namespace tersor::kernels
