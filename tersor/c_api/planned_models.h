// Models whose plans a library carries: it needs no graph, no shape rules and no planner, so it is
// small (scripts/runtime_min --for). A model's file stays as it is; such a library takes from it
// the weights alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/runtime/executable.h"

namespace tersor {

/// A model that can run, and the names of what it takes and gives.
struct LoadedModel {
  runtime::Executable executable;
  std::vector<std::string> input_names, output_names;
};

/// The record of a model: what its file's structure looks like, where its weights lie, and a plan
/// for each of the options. `file` is a .tersor file that is prepared for inference. Fails where a
/// plan cannot be made, and for a model that changes its own variables.
Result<std::string> PlannedModel(const std::shared_ptr<Buffer>& file,
                                 std::span<const runtime::CompileOptions> options);

/// The table of these records, coded, as OpenPlannedModel reads it.
std::string PlannedModelsTable(std::span<const std::string> records);

/// Opens a file by the record of `table` that was made for it, with the first plan for the threads
/// and the batch of the options whose CPU level is among `options.cpu`. The table is trusted, the
/// file is not. Errors: those of a damaged file, and kUnsupported where the table has no record for
/// this file or no such plan.
Result<LoadedModel> OpenPlannedModel(std::span<const std::byte> table,
                                     const std::shared_ptr<Buffer>& file,
                                     const runtime::CompileOptions& options);

}  // namespace tersor
