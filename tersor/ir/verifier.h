// The verifier: what is true of every graph.
#pragma once

#include "tersor/base/status.h"
#include "tersor/ir/graph.h"

namespace tersor::ir {

/// Checks that nodes are in topological order; operands, attributes and results are as ops.inc
/// says; attributes have the type that attributes.inc says; result types are what the shape rule
/// gives; every type passes CheckType (ir/shape_rules.h: extents, scales, zero points); names are
/// there and unique; variables have no symbolic extent, and their data, where it is there, has the
/// type of its variable and its size; only variables are mutated; outputs exist. The first thing
/// that is wrong is told with the node that has it: "node 3 (%logits): fully_connected: ...". The
/// importers call it on everything that they read; the pass pipeline calls it after every rewrite
/// in debug and test builds.
Status Verify(const Graph& graph);

}  // namespace tersor::ir
