// Flags from lists of options (base/options.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/options.h"
#include "tersor/cli/command.h"
#include "tersor/ir/graph.h"

namespace tersor::cli {

/// A flag that has another name besides that of its option: {"batch_size", "--batch"}.
struct FlagAlias {
  std::string_view option, flag;
};

/// Adds one flag for each row of `table` apart from those named in `without`. Help shows the line
/// of documentation, what is legal and the default; what is not legal is refused while the command
/// line is parsed. A boolean option is a flag and its opposite (--flip, --no-flip). Values that
/// are given go into `values`, which outlives the parse.
void AddOptionFlags(CLI::App& app, OptionTable table, OptionValues& values,
                    const std::vector<FlagAlias>& aliases = {},
                    const std::vector<std::string_view>& without = {});

/// The flags of a command that writes a model: those of formats::ExportOptions.
struct ExportFlags {
  OptionValues values;
  void AddTo(CLI::App& app);
  /// formats::ExportModel with the values that were given.
  Status Export(const ir::Graph& model, const std::string& path) const;
};

}  // namespace tersor::cli
