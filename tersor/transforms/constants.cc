#include "tersor/transforms/constants.h"

namespace tersor::transforms {

std::vector<bool> FindConstants(const ir::Graph& graph) {
  std::vector<bool> constant(static_cast<size_t>(graph.num_values()), false);
  for (ir::ValueId id : graph.variables()) {
    const ir::Value& variable = graph.value(id);
    constant[static_cast<size_t>(id)] = variable.has_data() && !variable.host_written();
  }
  for (const auto& node : graph.nodes()) {
    const auto infos = node->info().operands;
    for (size_t i = 0; i < node->operands().size() && i < infos.size(); ++i) {
      if (infos[i].mutated && node->operands()[i] != ir::kNoValue) {
        constant[static_cast<size_t>(node->operands()[i])] = false;
      }
    }
  }
  return constant;
}

std::optional<std::vector<double>> ReadConstant(const ir::Graph& graph, ir::ValueId id) {
  if (id == ir::kNoValue) return std::nullopt;
  const ir::Value& value = graph.value(id);
  if (!value.is_variable() || value.data().empty() || value.host_written()) return std::nullopt;
  if (value.type().dtype != DType::kF32) return std::nullopt;
  const auto data = value.data().values<float>();
  return std::vector<double>(data.begin(), data.end());
}

std::optional<std::vector<double>> ReadChannelConstant(const ir::Graph& graph, ir::ValueId id,
                                                       int64_t channels) {
  auto values = ReadConstant(graph, id);
  if (!values || IsSymbol(channels)) return std::nullopt;
  const auto count = static_cast<int64_t>(values->size());
  if (count == 1) {
    values->resize(static_cast<size_t>(channels), (*values)[0]);
    return values;
  }
  const Shape& shape = graph.value(id).type().shape;
  if (count != channels || shape[shape.rank() - 1] != channels) return std::nullopt;
  return values;
}

Result<ir::ValueId> AddConstant(ir::Graph& graph, std::string name, Shape shape,
                                const std::vector<double>& values, bool trainable) {
  TERSOR_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create({DType::kF32, std::move(shape), {}}));
  auto data = tensor.mutable_values<float>();
  TERSOR_CHECK(data.size() == values.size());
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(values[i]);
  return graph.AddVariable(std::move(name), std::move(tensor), trainable);
}

std::string NameOf(const ir::Graph& graph, ir::ValueId id) {
  const std::string& name = graph.value(id).name();
  return name.empty() ? StrCat('%', id) : name;
}

bool HasPaddedCells(const ir::Graph& graph, const ir::Node& layer) {
  if (!layer.info().HasAttribute(Attr::padding)) return false;
  const Shape& input = graph.value(layer.operand(0)).type().shape;
  const Shape& filter = graph.value(layer.operand(1)).type().shape;
  const auto& strides = layer.attributes().Ints(Attr::strides);
  const auto& dilations = layer.attributes().Ints(Attr::dilations);
  const Padding padding = layer.attributes().PaddingOf().Resolve(
      input[1], input[2], filter[1], filter[2], strides[0], strides[1], dilations[0], dilations[1]);
  return padding.top != 0 || padding.bottom != 0 || padding.left != 0 || padding.right != 0;
}

}  // namespace tersor::transforms
