#include "tersor/transforms/pass.h"

#include <chrono>

#include "tersor/base/documentation.h"
#include "tersor/ir/verifier.h"
#include "tersor/transforms/passes.h"

namespace tersor::transforms {
namespace {

constexpr Pass kPasses[] = {
#define PASS(name, function, doc, leaves_alone) {#name, &function, TERSOR_DOC(doc)},
#include "tersor/transforms/passes.inc"
#undef PASS
};

#if defined(TERSOR_VERIFY_REWRITES)
constexpr bool kAlwaysVerify = true;
#else
constexpr bool kAlwaysVerify = false;
#endif

Pass PassFor(Rewrite rewrite) {
  for (const Pass& pass : kPasses) {
    if (pass.rewrite == rewrite) return pass;
  }
  TERSOR_CHECK(false && "the pass is not in passes.inc");
  return {};
}

}  // namespace

std::span<const Pass> AllPasses() { return kPasses; }

Result<Pass> FindPass(std::string_view name) {
  std::string known;
  for (const Pass& pass : kPasses) {
    if (pass.name == name) return pass;
    known += StrCat(known.empty() ? "" : ", ", pass.name);
  }
  return InvalidArgument("no pass is called '", name, "'; there are: ", known);
}

Result<std::vector<PassRun>> RunPipeline(ir::Graph& graph, std::span<const Pass> passes,
                                         const PipelineOptions& options) {
  std::vector<PassRun> runs;
  for (const Pass& pass : passes) {
    RewriteReport report;
    const auto begin = std::chrono::steady_clock::now();
    Status status = pass.rewrite(graph, report);
    const auto end = std::chrono::steady_clock::now();
    if (!status.ok()) return status.WithContext(StrCat("pass ", pass.name));
    if (options.verify || kAlwaysVerify) {
      status = ir::Verify(graph);
      if (!status.ok()) return status.WithContext(StrCat("after pass ", pass.name));
    }
    runs.push_back({std::string(pass.name),
                    std::chrono::duration<double, std::micro>(end - begin).count(),
                    report.changes()});
    if (report.changed() && options.after_pass) options.after_pass(runs.back(), graph);
  }
  return runs;
}

std::vector<Pass> InferencePasses() {
  const Rewrite order[] = {RemoveDropout,
                           Lower,
                           Simplify,
                           FoldConstants,
                           FoldBatchNorms,
                           FuseActivations,
                           FoldAffineIntoPrevious,
                           SinkAffine,
                           FoldAffineIntoNext,
                           Simplify,
                           FoldConstants,
                           RemoveDead};
  std::vector<Pass> passes;
  for (Rewrite rewrite : order) passes.push_back(PassFor(rewrite));
  return passes;
}

Result<ir::Graph> PrepareForInference(const ir::Graph& graph) {
  ir::Graph prepared = graph.Clone();
  TERSOR_ASSIGN_OR_RETURN(auto runs, RunPipeline(prepared, InferencePasses()));
  (void)runs;
  return prepared;
}

}  // namespace tersor::transforms
