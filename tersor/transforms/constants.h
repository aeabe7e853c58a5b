// Reading and making constants, and asking about layers, inside rewrites.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/ir/graph.h"

namespace tersor::transforms {

/// Which values are constants: variables with data that neither a node nor the program writes
/// between runs. By value id.
std::vector<bool> FindConstants(const ir::Graph& graph);

/// A constant f32 value as doubles; nothing if it is no f32 variable with data.
std::optional<std::vector<double>> ReadConstant(const ir::Graph& graph, ir::ValueId id);

/// A constant f32 operand that varies along the last axis alone, as `channels` numbers (one number
/// is repeated); nothing if it is anything else.
std::optional<std::vector<double>> ReadChannelConstant(const ir::Graph& graph, ir::ValueId id,
                                                       int64_t channels);

/// A new f32 variable, not trainable unless said.
Result<ir::ValueId> AddConstant(ir::Graph& graph, std::string name, Shape shape,
                                const std::vector<double>& values, bool trainable = false);

/// Name of a value for reports: its own, or "%id".
std::string NameOf(const ir::Graph& graph, ir::ValueId id);

/// Whether any window of a layer reaches beyond the image; false for layers without windows.
bool HasPaddedCells(const ir::Graph& graph, const ir::Node& layer);

}  // namespace tersor::transforms
