#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tersor/base/encoded_tensor.h"
#include "tersor/base/file.h"
#include "tersor/cli/command.h"
#include "tersor/formats/formats.h"
#include "tersor/ir/cost.h"
#include "tersor/ir/text.h"
#include "tersor/runtime/plan.h"
#include "tersor/transforms/pass.h"

namespace tersor::cli {
namespace {

struct InspectFlags {
  std::string model;
  bool text = false, data = false, plan = false;
  std::map<std::string, int64_t> extents;  // of --plan
};

// Distinct elements are counted in weights of up to so many.
constexpr int64_t kMaxCounted = 1 << 22;

/// How a variable with data is stored, before a format codes the bytes.
struct Storage {
  Encoding encoding = Encoding::kDense;
  std::vector<int64_t> parameters;
  int64_t bytes = 0;
  double bits_per_element = 0;
  std::optional<int64_t> distinct;
};

Storage StorageOf(const ir::Value& variable) {
  const TensorType& type = variable.type();
  Storage storage;
  storage.bytes = type.size_bytes();
  if (variable.encoded() != nullptr) {
    storage.encoding = variable.encoded()->encoding();
    storage.parameters = variable.encoded()->parameters();
    storage.bytes = variable.encoded()->size_bytes();
  }
  const int64_t elements = type.shape.num_elements();
  storage.bits_per_element = 8 * static_cast<double>(storage.bytes) / static_cast<double>(elements);
  if (elements <= kMaxCounted && !variable.data().empty()) {
    storage.distinct = CountDistinct(variable.data());
  }
  return storage;
}

Json VariableJson(const ir::Value& variable) {
  Json json;
  json["name"] = variable.name();
  json["type"] = ir::PrintType({variable.type().dtype, variable.type().shape, std::nullopt});
  if (!variable.has_data()) return json;
  const Storage storage = StorageOf(variable);
  json["encoding"] = EncodingName(storage.encoding);
  json["parameters"] = storage.parameters;
  json["bytes"] = storage.bytes;
  json["bits_per_element"] = storage.bits_per_element;
  if (storage.distinct) json["distinct"] = *storage.distinct;
  return json;
}

void PrintVariable(const CommonFlags& flags, const ir::Value& variable) {
  std::string line = StrCat("  ", variable.name(), ": ", TypeText(variable.type()));
  if (variable.has_data()) {
    const Storage storage = StorageOf(variable);
    line += StrCat(", ", EncodingName(storage.encoding));
    for (size_t i = 0; i < storage.parameters.size(); ++i) {
      line += StrCat(i == 0 ? "(" : ", ", storage.parameters[i]);
    }
    if (!storage.parameters.empty()) line += ')';
    char bits[32];
    std::snprintf(bits, sizeof(bits), "%.2f", storage.bits_per_element);
    line += StrCat(", ", Grouped(storage.bytes), " bytes, ", bits, " bits an element");
    if (storage.distinct) line += StrCat(", ", Grouped(*storage.distinct), " distinct");
  }
  Say(flags, line);
}

// As StorageOf counts them.
int64_t StoredBytes(const ir::Graph& graph) {
  int64_t bytes = 0;
  for (ir::ValueId id : graph.variables()) {
    const ir::Value& variable = graph.value(id);
    bytes += variable.encoded() != nullptr ? variable.encoded()->size_bytes()
                                           : variable.type().size_bytes();
  }
  return bytes;
}

Json Inspect(const ir::Graph& graph, int64_t file_bytes) {
  Json json;
  json["name"] = graph.name();
  json["parameters"] = graph.num_parameters();
  json["macs"] = ir::MacsOf(graph);
  json["file_bytes"] = file_bytes;
  json["variable_bytes"] = ir::VariableBytes(graph);
  json["stored_bytes"] = StoredBytes(graph);
  json["inputs"] = json["outputs"] = Json::array();
  for (ir::ValueId id : graph.inputs()) json["inputs"].push_back(TypeJson(graph, id));
  for (ir::ValueId id : graph.outputs()) json["outputs"].push_back(TypeJson(graph, id));
  std::map<std::string, int64_t> counts;
  for (const auto& node : graph.nodes()) ++counts[std::string(node->info().text_name)];
  json["ops"] = Json::object();
  for (const auto& [op, count] : counts) json["ops"][op] = count;
  json["variables"] = Json::array();
  for (ir::ValueId id : graph.variables()) {
    json["variables"].push_back(VariableJson(graph.value(id)));
  }
  json["metadata"] = Json::object();
  for (const auto& [key, value] : graph.metadata()) json["metadata"][key] = value;
  return json;
}

void Print(const CommonFlags& flags, const ir::Graph& graph, int64_t file_bytes) {
  Say(flags, StrCat("model       ", graph.name()));
  for (ir::ValueId id : graph.inputs()) {
    Say(flags,
        StrCat("input       ", graph.value(id).name(), ": ", TypeText(graph.value(id).type())));
  }
  for (ir::ValueId id : graph.outputs()) {
    Say(flags,
        StrCat("output      ", graph.value(id).name(), ": ", TypeText(graph.value(id).type())));
  }
  Say(flags, StrCat("parameters  ", Grouped(graph.num_parameters())));
  Say(flags, StrCat("macs        ", Grouped(ir::MacsOf(graph)), " for one example"));
  Say(flags,
      StrCat("file        ", Grouped(file_bytes), " bytes, weights ", Grouped(StoredBytes(graph)),
             " bytes before coding, ", Grouped(ir::VariableBytes(graph)), " bytes dense"));
  for (const auto& [key, value] : graph.metadata())
    Say(flags, StrCat("metadata    ", key, " = ", value));
  for (const auto& node : graph.nodes()) {
    const std::string result =
        node->results().empty() ? "" : TypeText(graph.value(node->result()).type());
    char line[160];
    std::snprintf(line, sizeof(line), "  %-22s %14s macs   ",
                  std::string(node->info().text_name).c_str(),
                  Grouped(ir::MacsOf(graph, *node)).c_str());
    Say(flags, line + result);
  }
  for (ir::ValueId id : graph.variables()) PrintVariable(flags, graph.value(id));
}

Json PlanJson(const runtime::Plan& plan) {
  Json json;
  json["batch"] = plan.batch;
  json["threads"] = plan.threads;
  json["cpu"] = CpuLevelName(plan.cpu);
  json["arena_bytes"] = plan.arena_bytes;
  json["packed_bytes"] = plan.packed_bytes;
  json["steps"] = Json::array();
  for (const runtime::PlanStep& step : plan.steps) {
    json["steps"].push_back({{"name", step.info.name},
                             {"op", step.info.op},
                             {"kernel", step.info.kernel},
                             {"result", step.info.result},
                             {"macs", step.info.macs},
                             {"bytes", step.info.bytes},
                             {"in_place", step.over != ir::kNoValue},
                             {"scratch_bytes", step.scratch_bytes}});
  }
  return json;
}

// How the model would run here: prepared as `bench` and `eval` prepare it.
Status ShowPlan(const ir::Graph& graph, const InspectFlags& own, const CommonFlags& flags) {
  TERSOR_ASSIGN_OR_RETURN(const ir::Graph prepared, transforms::PrepareForInference(graph));
  runtime::CompileOptions options;
  options.threads = flags.threads;
  options.extents = own.extents;
  TERSOR_ASSIGN_OR_RETURN(const runtime::Plan plan, runtime::MakePlan(prepared, options));
  if (flags.json) {
    SayJson(PlanJson(plan));
  } else {
    std::fputs(Printable(runtime::PlanText(plan)).c_str(), stdout);
  }
  return OkStatus();
}

}  // namespace

Action RegisterInspect(CLI::App& app, CommonFlags& flags) {
  auto own = std::make_shared<InspectFlags>();
  app.add_option("MODEL", own->model, "model file (.tflite, .tersor)")->required();
  app.add_flag("--text", own->text, "print the graph in its text form");
  app.add_flag("--data", own->data, "with --text: the data of every variable too");
  app.add_flag("--plan", own->plan,
               "print how the model would run on this CPU with --threads: steps, kernels, memory");
  AddExtentFlag(app, own->extents);
  app.footer(
      "TERSOR_CPU=reference|avx2|avx512|avx512vnni limits the instructions that --plan may use.\n"
      "A variable's line says how it is stored: encoding and parameters, bytes before the format\n"
      "codes them, bits for each element, and how many different elements there are.\n"
      "example: tersor inspect model.tflite");
  return [own, &flags]() -> Status {
    TERSOR_ASSIGN_OR_RETURN(ir::Graph graph, formats::ImportModel(own->model));
    if (own->plan) return ShowPlan(graph, *own, flags);
    TERSOR_ASSIGN_OR_RETURN(const int64_t file_bytes, FileSizeBytes(own->model));
    if (flags.json) {
      SayJson(Inspect(graph, file_bytes));
    } else if (own->text) {
      std::fputs(ir::Print(graph, {.data = own->data}).c_str(), stdout);
    } else {
      Print(flags, graph, file_bytes);
    }
    return OkStatus();
  };
}

}  // namespace tersor::cli
