#include "tersor/runtime/extents.h"

#include <algorithm>
#include <limits>
#include <set>

#include "tersor/ir/shape_rules.h"

namespace tersor::runtime {
namespace {

// The names of the symbolic extents of a graph's inputs: nothing else brings one in.
std::set<std::string> SymbolsOf(const ir::Graph& graph) {
  std::set<std::string> names;
  for (ir::ValueId id : graph.inputs()) {
    for (int64_t extent : graph.value(id).type().shape.dims()) {
      if (IsSymbol(extent)) names.insert(SymbolName(extent));
    }
  }
  return names;
}

Status CheckRange(std::string_view name, int64_t extent) {
  if (extent >= 1 && extent <= ir::kMaxExtent) return OkStatus();
  return InvalidArgument(name, " must be from 1 to ", ir::kMaxExtent, ", found ", extent);
}

}  // namespace

Status CheckExtents(const ir::Graph& graph, const CompileOptions& options) {
  TERSOR_RETURN_IF_ERROR(CheckRange("batch", options.batch));
  if (options.extents.empty()) return OkStatus();
  const std::set<std::string> names = SymbolsOf(graph);
  for (const auto& [name, extent] : options.extents) {
    if (name == SymbolName(kBatch)) {
      return InvalidArgument("extent ", name, " is the batch, which has an option of its own");
    }
    if (!names.contains(name)) {
      std::string known;
      for (const std::string& symbol : names) known += (known.empty() ? "" : ", ") + symbol;
      return InvalidArgument("no input has an extent ", name,
                             ", symbolic are: ", known.empty() ? "none" : known);
    }
    TERSOR_RETURN_IF_ERROR(CheckRange(StrCat("extent ", name), extent));
  }
  return OkStatus();
}

Result<TensorType> BindExtents(const TensorType& type, const CompileOptions& options) {
  TensorType bound = type;
  if (bound.shape.IsSymbolic()) bound.shape = bound.shape.WithBatch(options.batch);
  for (int axis = 0; axis < bound.shape.rank(); ++axis) {
    if (!IsSymbol(bound.shape[axis])) continue;
    const std::string name = SymbolName(bound.shape[axis]);
    const auto found = options.extents.find(name);
    if (found == options.extents.end()) {
      return InvalidArgument("extent ", name, " of ", type.ToString(),
                             " is symbolic and has no binding");
    }
    bound.shape[axis] = found->second;
  }
  if (bound.size_bytes() == std::numeric_limits<int64_t>::max()) {
    return ResourceExhausted(bound.ToString(), ": its size overflows");
  }
  return bound;
}

Status TakeExtents(const ir::Graph& graph, std::span<const Tensor> inputs,
                   CompileOptions& options) {
  std::set<std::string> taken;
  for (size_t i = 0; i < std::min(inputs.size(), graph.inputs().size()); ++i) {
    const ir::Value& value = graph.value(graph.inputs()[i]);
    const Shape &wanted = value.type().shape, &given = inputs[i].type().shape;
    if (wanted.rank() != given.rank()) continue;
    for (int axis = 0; axis < wanted.rank(); ++axis) {
      if (!IsSymbol(wanted[axis])) continue;
      const std::string name = SymbolName(wanted[axis]);
      int64_t& extent = wanted[axis] == kBatch ? options.batch : options.extents[name];
      if (!taken.insert(name).second && extent != given[axis]) {
        return InvalidArgument("input ", value.name(), " is ", inputs[i].type().ToString(),
                               ", but ", name, " is already ", extent);
      }
      extent = given[axis];
    }
  }
  return OkStatus();
}

}  // namespace tersor::runtime
