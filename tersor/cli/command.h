// A subcommand of `tersor`: one file each, one row of commands.inc each.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/compression/technique.h"
#include "tersor/data/normalize.h"
#include "tersor/data/split.h"
#include "tersor/guide/metrics.h"
#include "tersor/ir/graph.h"

namespace tersor::cli {

using Json = nlohmann::ordered_json;

/// Flags that every subcommand has.
struct CommonFlags {
  int threads = 1;
  uint64_t seed = 1;
  bool json = false;         ///< standard output is one JSON object and nothing else
  bool quiet = false;        ///< no progress, no remarks
  std::string command_line;  ///< as it was given, for reports
};

/// A subcommand that was chosen and parsed: what it does.
using Action = std::function<Status()>;

/// Adds a subcommand's flags to `app` and says what to do when it is chosen. `flags` and what the
/// action captures outlive the parse.
using Register = Action (*)(CLI::App& app, CommonFlags& flags);

/// Adds the flags of a technique, which is a subcommand of its own.
Action RegisterTechnique(CLI::App& app, CommonFlags& flags,
                         const compression::Technique& technique);

// --- Used by several subcommands ---

/// Refuses what is no number, which passes every range.
CLI::Validator IsNumber();

/// The text with every control character but line feeds written out ("\x1b"): names come from
/// files, and a terminal would obey what they hold.
std::string Printable(std::string_view text);

/// Prints to standard output: text, or nothing under --json.
void Say(const CommonFlags& flags, const std::string& line);
/// A remark on standard error, "tersor: note: ...": for what the user should know and what is no
/// failure. Nothing under --quiet.
void Remark(const CommonFlags& flags, const std::string& text);
/// Prints the one JSON object of --json.
void SayJson(const Json& json);

/// --normalize: a flag over what the model's file says (metadata "normalize") over signed.
struct NormalizeFlag {
  std::string name;
  void AddTo(CLI::App& app);
  Result<data::Normalize> For(const ir::Graph& model) const;
  /// Where that comes from: "flag", "model" or "assumed".
  std::string_view Source(const ir::Graph& model) const;
  /// Says so where it is assumed, of a model that was read from `path`.
  void RemarkIfAssumed(const ir::Graph& model, const std::string& path,
                       const CommonFlags& flags) const;
};

/// --extent NAME=NUMBER, any number of times: what the symbolic extents of a model become (the
/// batch has a flag of its own). Adds to `extents`, which outlives the parse.
void AddExtentFlag(CLI::App& app, std::map<std::string, int64_t>& extents);

Result<data::Split> SplitFlag(const std::string& name);

/// "f32[N,10] signed" and the like for people.
std::string TypeText(const TensorType& type);
/// {"name", "dtype", "shape", "scale", "zero_point"}; a symbolic batch is -1, other symbolic
/// extents are their names.
Json TypeJson(const ir::Graph& graph, ir::ValueId id);

using guide::Grouped;

}  // namespace tersor::cli
