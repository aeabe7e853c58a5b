// The .tersor file: everything that a graph says, in few bytes, mapped without a copy. Layout:
// docs/format.md.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/formats/native/container.h"
#include "tersor/formats/options.h"
#include "tersor/ir/graph.h"

namespace tersor::formats::native {

/// The verified graph of a file. Weights that lie as they are keep `file` alive and are used in
/// place. Errors: kDataLoss for a damaged file, kUnsupported for a later version, a feature, an
/// operator, an attribute or a weight encoding that this build does not know, by its name.
Result<ir::Graph> Import(const std::shared_ptr<Buffer>& file);

/// A graph and where its file keeps the bytes of each variable that has data, by name, in the order
/// of the file.
struct StoredGraph {
  ir::Graph graph;
  std::vector<std::pair<std::string, StoredBytes>> weights;
};
Result<StoredGraph> ImportStored(const std::shared_ptr<Buffer>& file);

/// The bytes of a file. Equal graphs give equal bytes.
Result<std::string> Export(const ir::Graph& graph, const ExportOptions& options);

}  // namespace tersor::formats::native
