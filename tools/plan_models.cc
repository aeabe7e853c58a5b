// tersor_plan_models --into FOLDER [--cpu LEVEL...] [--threads N...] [--batch N...] --for MODEL...
//
// What a deployable library for these models alone is built from: each model prepared as
// FOLDER/models/NAME.tersor, and the table of their plans, for each CPU level, number of threads
// and batch, as FOLDER/selected/tersor/c_api/planned_models.inc. Prints, as definitions for CMake,
// the operators and the kernels that the plans name, and whether a weight is encoded.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tersor/base/file.h"
#include "tersor/c_api/planned_models.h"
#include "tersor/formats/formats.h"
#include "tersor/runtime/widened.h"
#include "tersor/transforms/pass.h"

namespace tersor {
namespace {

using Arguments = std::map<std::string, std::vector<std::string>>;

// The words behind each flag.
Result<Arguments> Parse(int argc, char** argv) {
  Arguments found = {
      {"--into", {}}, {"--cpu", {}}, {"--threads", {}}, {"--batch", {}}, {"--for", {}}};
  auto flag = found.end();
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.starts_with("--")) {
      flag = found.find(word);
      if (flag == found.end()) return InvalidArgument("there is no flag ", word);
    } else if (flag == found.end()) {
      return InvalidArgument("'", word, "' stands before any flag");
    } else {
      flag->second.push_back(word);
    }
  }
  if (found["--into"].size() != 1) return InvalidArgument("--into takes one folder");
  if (found["--for"].empty()) return InvalidArgument("--for takes models");
  return found;
}

Result<std::vector<int>> Numbers(const std::vector<std::string>& words,
                                 std::vector<int> otherwise) {
  if (words.empty()) return otherwise;
  std::vector<int> numbers;
  for (const std::string& word : words) {
    char* end = nullptr;
    const long number = std::strtol(word.c_str(), &end, 10);
    if (*end != '\0' || number < 1 || number > 1'000'000) {
      return InvalidArgument("'", word, "': expected a number from 1 to 1000000");
    }
    numbers.push_back(static_cast<int>(number));
  }
  return numbers;
}

// All combinations, the best CPU level first: a library takes the first plan that fits.
Result<std::vector<runtime::CompileOptions>> Options(Arguments& arguments) {
  std::vector<CpuLevel> levels;
  for (const std::string& name : arguments["--cpu"]) {
    const auto level = ParseCpuLevel(name);
    if (!level) return InvalidArgument("there is no CPU level '", name, "'");
    if (!CpuFeatures::Machine().Has(*level)) {
      return Unsupported("plans for ", name, " are made on a CPU that has it");
    }
    levels.push_back(*level);
  }
  std::ranges::sort(levels, std::greater());
  TERSOR_ASSIGN_OR_RETURN(const auto threads, Numbers(arguments["--threads"], {1, 2}));
  TERSOR_ASSIGN_OR_RETURN(const auto batches, Numbers(arguments["--batch"], {1}));
  std::vector<runtime::CompileOptions> all;
  for (CpuLevel level : levels) {
    for (int count : threads) {
      for (int batch : batches) {
        runtime::CompileOptions& options = all.emplace_back();
        options.threads = count;
        options.batch = batch;
        options.cpu = CpuFeatures::Machine().CappedAt(level);
      }
    }
  }
  return all;
}

// "max_pool2d" -> "MaxPool2d", as ops.inc names the operator.
std::string CamelCase(std::string_view name) {
  std::string camel;
  bool begins = true;
  for (char letter : name) {
    if (letter != '_') camel += static_cast<char>(begins ? std::toupper(letter) : letter);
    begins = letter == '_';
  }
  return camel;
}

std::string Join(const std::set<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : ";") + name;
  return joined;
}

Status Run(int argc, char** argv) {
  TERSOR_ASSIGN_OR_RETURN(Arguments arguments, Parse(argc, argv));
  if (arguments["--cpu"].empty()) arguments["--cpu"] = {"avx2"};
  TERSOR_ASSIGN_OR_RETURN(const auto options, Options(arguments));
  const std::filesystem::path into = arguments["--into"][0];
  const auto table = into / "selected/tersor/c_api/planned_models.inc";
  TERSOR_RETURN_IF_ERROR(CreateDirectories((into / "models").string()));
  TERSOR_RETURN_IF_ERROR(CreateDirectories(table.parent_path().string()));
  std::set<std::string> paths, operators, kernels;
  std::vector<std::string> records;
  bool encoded = false;
  for (const std::string& model : arguments["--for"]) {
    TERSOR_ASSIGN_OR_RETURN(const ir::Graph graph, formats::ImportModel(model));
    TERSOR_ASSIGN_OR_RETURN(const ir::Graph prepared, transforms::PrepareForInference(graph));
    const auto path = (into / "models" / std::filesystem::path(model).stem()).string() + ".tersor";
    if (!paths.insert(path).second) return InvalidArgument("two models would become ", path);
    TERSOR_RETURN_IF_ERROR(formats::ExportModel(prepared, path));
    TERSOR_ASSIGN_OR_RETURN(const std::shared_ptr<Buffer> file, MapFile(path));
    auto record = PlannedModel(file, options);
    if (!record.ok()) return record.status().WithContext(model);
    records.push_back(*std::move(record));
    for (ir::ValueId id : prepared.variables()) {
      encoded = encoded || prepared.value(id).encoded() != nullptr;
    }
    for (const auto& node : prepared.nodes()) operators.insert(CamelCase(node->info().text_name));
    for (const runtime::CompileOptions& option : options) {
      TERSOR_ASSIGN_OR_RETURN(const runtime::Plan plan, runtime::MakePlan(prepared, option));
      for (const runtime::PlanStep& step : plan.steps) {
        if (step.info.kernel == runtime::kCopyKernel) continue;
        kernels.insert(step.info.kernel.substr(0, step.info.kernel.find(runtime::kWidened)));
      }
    }
  }
  std::string bytes;
  for (const char byte : PlannedModelsTable(records)) {
    bytes += StrCat(static_cast<int>(static_cast<unsigned char>(byte)), ",\n");
  }
  TERSOR_RETURN_IF_ERROR(WriteFileAtomically(table.string(), std::string_view(bytes)));
  std::printf("-DTERSOR_OPERATORS=%s -DTERSOR_KERNELS=%s -DTERSOR_ENCODED_WEIGHTS=%s\n",
              Join(operators).c_str(), Join(kernels).c_str(), encoded ? "ON" : "OFF");
  return OkStatus();
}

}  // namespace
}  // namespace tersor

int main(int argc, char** argv) {
  const tersor::Status status = tersor::Run(argc, argv);
  if (status.ok()) return 0;
  std::fprintf(stderr, "tersor_plan_models: %s\n", std::string(status.message()).c_str());
  return status.code() == tersor::StatusCode::kInvalidArgument ? 2 : 1;
}
