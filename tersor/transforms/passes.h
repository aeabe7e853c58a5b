// Declares the passes of passes.inc. Each has its contract in the file that defines it and in the
// list.
#pragma once

#include "tersor/transforms/pass.h"

namespace tersor::transforms {

#define PASS(name, function, doc) Status function(ir::Graph& graph, RewriteReport& report);
#include "tersor/transforms/passes.inc"
#undef PASS

}  // namespace tersor::transforms
