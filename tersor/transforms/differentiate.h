// Reverse-mode differentiation: the graph grows the nodes that make gradients.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/ir/graph.h"

namespace tersor::transforms {

/// Appends to `graph` the nodes that make, for each of `targets`, the gradient of sum(seed * value)
/// with respect to it, where `seed` has `value`'s type (the cotangent: for a loss per example, the
/// weight of each example). Only nodes on a path from a target to `value` get gradients. The batch
/// norm of a training step (batch_norm that reads batch_norm_statistics of its own input) is
/// differentiated through its statistics. A target that `value` does not depend on gets kNoValue.
/// Fails with the name of an operator on the path that has no gradient (see
/// docs/generated/coverage.md). Source: reverse accumulation, e.g. Baydin et al. 2018, section 3.2.
Result<std::vector<ir::ValueId>> Differentiate(ir::Graph& graph, ir::ValueId value,
                                               ir::ValueId seed,
                                               std::span<const ir::ValueId> targets);

/// Whether gradients.inc has a row for the operator.
bool HasGradient(ir::OpKind op);

}  // namespace tersor::transforms
