#include "tersor/base/file.h"
#include "tersor/cli/command.h"
#include "tersor/cli/option_flags.h"
#include "tersor/formats/formats.h"
#include "tersor/ir/text.h"
#include "tersor/transforms/pass.h"

namespace tersor::cli {
namespace {

struct OptFlags {
  std::string model, output;
  std::vector<std::string> passes;
  ExportFlags writing;
  bool list = false, dump = false, data = false;
};

bool IsText(const std::string& path) { return path.ends_with(".txt") || path.ends_with(".ir"); }

Result<ir::Graph> Load(const std::string& path) {
  if (!IsText(path)) return formats::ImportModel(path);
  TERSOR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  auto graph = ir::Parse(text);
  if (!graph.ok()) return graph.status().WithContext(path);
  return graph;
}

Status Opt(const OptFlags& own, const CommonFlags& flags) {
  if (own.list) {
    Json json = Json::array();
    for (const auto& pass : transforms::AllPasses()) {
      json.push_back({{"name", pass.name}, {"doc", pass.doc}});
      Say(flags, StrCat(pass.name, "\n    ", pass.doc));
    }
    if (flags.json) SayJson({{"passes", json}});
    return OkStatus();
  }
  if (own.model.empty()) return InvalidArgument("a model is missing; try: tersor opt --help");
  TERSOR_ASSIGN_OR_RETURN(ir::Graph graph, Load(own.model));
  std::vector<transforms::Pass> passes;
  for (const std::string& name : own.passes) {
    TERSOR_ASSIGN_OR_RETURN(auto pass, transforms::FindPass(name));
    passes.push_back(pass);
  }
  if (own.passes.empty()) passes = transforms::InferencePasses();
  transforms::PipelineOptions options;
  options.verify = true;
  if (own.dump) {
    options.after_pass = [&](const transforms::PassRun& run, const ir::Graph& now) {
      std::fprintf(stderr, "// after %s\n%s", run.name.c_str(), ir::Print(now).c_str());
    };
  }
  TERSOR_ASSIGN_OR_RETURN(const auto runs, transforms::RunPipeline(graph, passes, options));
  if (!own.output.empty() && IsText(own.output)) {
    TERSOR_RETURN_IF_ERROR(WriteFileAtomically(own.output, ir::Print(graph, {.data = own.data})));
  } else if (!own.output.empty()) {
    TERSOR_RETURN_IF_ERROR(own.writing.Export(graph, own.output));
  }
  if (flags.json) {
    Json json;
    json["passes"] = Json::array();
    for (const auto& run : runs) {
      json["passes"].push_back({{"name", run.name}, {"us", run.time_us}, {"changes", run.changes}});
    }
    json["text"] = ir::Print(graph, {.data = own.data});
    SayJson(json);
    return OkStatus();
  }
  if (!flags.quiet) {
    for (const auto& run : runs) {
      std::fprintf(stderr, "%-26s %8.1f us  %zu changes\n", run.name.c_str(), run.time_us,
                   run.changes.size());
      for (const std::string& change : run.changes)
        std::fprintf(stderr, "    %s\n", Printable(change).c_str());
    }
  }
  if (own.output.empty()) std::fputs(ir::Print(graph, {.data = own.data}).c_str(), stdout);
  return OkStatus();
}

}  // namespace

Action RegisterOpt(CLI::App& app, CommonFlags& flags) {
  auto own = std::make_shared<OptFlags>();
  app.add_option("MODEL", own->model, "model file, or a graph in text form (.txt, .ir)");
  app.add_option("--pass", own->passes,
                 "a pass to run; repeat for more (default: those of inference)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--output", own->output,
                 "write the graph: .txt or .ir as text, else a model file");
  own->writing.AddTo(app);
  app.add_flag("--list", own->list, "list the passes");
  app.add_flag("--dump", own->dump,
               "print the graph after each pass that changed it, on standard error");
  app.add_flag("--data", own->data, "print the data of every variable");
  app.footer("example: tersor opt model.tflite --pass fold-constants --pass sink-affine");
  return [own, &flags] { return Opt(*own, flags); };
}

}  // namespace tersor::cli
