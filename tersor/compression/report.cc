#include "tersor/compression/report.h"

namespace tersor::compression {

int64_t WeightBytes(const ir::Graph& graph) {
  int64_t bytes = 0;
  for (ir::ValueId id : graph.variables()) bytes += graph.value(id).type().size_bytes();
  return bytes;
}

}  // namespace tersor::compression
