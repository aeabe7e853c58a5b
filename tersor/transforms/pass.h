// Rewrites of a graph, and the pipeline that runs them.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/ir/graph.h"

namespace tersor::transforms {

/// What a rewrite changed, as lines for people to read, one for each place ("conv2d conv2: took
/// over multiply bn1").
class RewriteReport {
 public:
  template <typename... Args>
  void Changed(const Args&... args) {
    changes_.push_back(StrCat(args...));
  }
  bool changed() const { return !changes_.empty(); }
  const std::vector<std::string>& changes() const { return changes_; }

 private:
  std::vector<std::string> changes_;
};

/// A rewrite: changes the graph where it can, or leaves it alone. On failure the graph must not be
/// used. Not for several threads on one graph.
using Rewrite = Status (*)(ir::Graph& graph, RewriteReport& report);

struct Pass {
  std::string_view name;
  Rewrite rewrite;
  std::string_view doc;
};

/// The passes of passes.inc.
std::span<const Pass> AllPasses();
/// The named pass, or what names there are.
Result<Pass> FindPass(std::string_view name);

/// What a pipeline did, pass by pass.
struct PassRun {
  std::string name;
  double time_us = 0;
  std::vector<std::string> changes;
};

struct PipelineOptions {
  /// Verify after each pass. Always on in debug and test builds.
  bool verify = false;
  /// Called after each pass that changed something (`tersor opt --dump`).
  std::function<void(const PassRun&, const ir::Graph&)> after_pass;
};

/// Runs passes in order. A failure names the pass.
Result<std::vector<PassRun>> RunPipeline(ir::Graph& graph, std::span<const Pass> passes,
                                         const PipelineOptions& options = {});

/// The passes, in order, that make a graph fit for inference: simplify, fold constants, batch norms
/// and affines, fuse activations, lower, remove what is dead. Same results within rounding; integer
/// results to the bit.
std::vector<Pass> InferencePasses();

/// A clone of `graph` after InferencePasses(): what `runtime::Compile` should be given for
/// inference. The variables that no pass rewrote share their storage with those of `graph`.
Result<ir::Graph> PrepareForInference(const ir::Graph& graph);

}  // namespace tersor::transforms
