// Declares the passes of passes.inc, which says of each what it does and what it leaves alone.
#pragma once

#include "tersor/transforms/pass.h"

namespace tersor::transforms {

#define PASS(name, function, doc, leaves_alone) \
  Status function(ir::Graph& graph, RewriteReport& report);
#include "tersor/transforms/passes.inc"
#undef PASS

}  // namespace tersor::transforms
