// What a technique says that it has done.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tersor/ir/graph.h"

namespace tersor::compression {

/// Place by place, for people.
struct TechniqueReport {
  struct Entry {
    std::string name;  ///< of a result or variable
    std::string op;    ///< text name of its operator, or "variable"
    std::string note;  ///< what became of it, or why it was left as it is
  };
  std::vector<Entry> changed, left_out;
  int64_t weight_bytes_before = 0, weight_bytes_after = 0;  ///< of all variables, dense
};

/// Bytes of all variables, dense.
int64_t WeightBytes(const ir::Graph& graph);

}  // namespace tersor::compression
