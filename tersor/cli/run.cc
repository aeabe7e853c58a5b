#include "tersor/base/finite.h"
#include "tersor/cli/command.h"
#include "tersor/data/npy.h"
#include "tersor/formats/formats.h"
#include "tersor/runtime/executable.h"
#include "tersor/transforms/pass.h"

namespace tersor::cli {
namespace {

struct RunFlags {
  std::string model;
  std::vector<std::string> inputs, outputs;
  bool prepare = true;
};

// The array as the model's input: of the same element type, and of the same shape but for symbolic
// extents, which take theirs from the array.
Status CheckInput(const ir::Graph& model, ir::ValueId id, const Tensor& array,
                  const std::string& path) {
  const TensorType& type = model.value(id).type();
  bool fits = array.type().dtype == type.dtype && array.type().shape.rank() == type.shape.rank();
  for (int axis = 0; fits && axis < type.shape.rank(); ++axis) {
    fits = IsSymbol(type.shape[axis]) || type.shape[axis] == array.type().shape[axis];
  }
  if (fits) return OkStatus();
  return InvalidArgument(path, ": input ", model.value(id).name(), " is ", type.ToString(),
                         ", the array is ", array.type().ToString());
}

Status Run(const RunFlags& own, const CommonFlags& flags) {
  TERSOR_ASSIGN_OR_RETURN(ir::Graph model, formats::ImportModel(own.model));
  if (own.inputs.size() != model.inputs().size()) {
    return InvalidArgument("the model has ", model.inputs().size(), " inputs, --input was given ",
                           own.inputs.size(), " times");
  }
  if (!own.outputs.empty() && own.outputs.size() != model.outputs().size()) {
    return InvalidArgument("the model has ", model.outputs().size(),
                           " outputs, --output was given ", own.outputs.size(), " times");
  }
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < own.inputs.size(); ++i) {
    TERSOR_ASSIGN_OR_RETURN(Tensor array, data::ReadNpy(own.inputs[i]));
    TERSOR_RETURN_IF_ERROR(CheckInput(model, model.inputs()[i], array, own.inputs[i]));
    const std::string flaw = FindNonFinite(array.view());
    if (!flaw.empty()) {
      return DataLoss(own.inputs[i], " has ", flaw, ", expected finite numbers");
    }
    inputs.push_back(std::move(array));
  }
  if (own.prepare) {
    TERSOR_ASSIGN_OR_RETURN(model, transforms::PrepareForInference(model));
  }
  runtime::CompileOptions compile;
  compile.threads = flags.threads;
  TERSOR_ASSIGN_OR_RETURN(auto outputs, runtime::RunOnce(model, inputs, compile));
  Json json;
  json["outputs"] = Json::array();
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!own.outputs.empty()) {
      TERSOR_RETURN_IF_ERROR(data::WriteNpy(own.outputs[i], outputs[i].view()));
    }
    Json entry = TypeJson(model, model.outputs()[i]);
    entry["shape"] = outputs[i].type().shape.dims();
    if (!own.outputs.empty()) entry["file"] = own.outputs[i];
    json["outputs"].push_back(std::move(entry));
    Say(flags,
        StrCat("output ", model.value(model.outputs()[i]).name(), ": ", TypeText(outputs[i].type()),
               own.outputs.empty() ? "" : " -> " + own.outputs[i]));
  }
  if (flags.json) SayJson(json);
  return OkStatus();
}

}  // namespace

Action RegisterRun(CLI::App& app, CommonFlags& flags) {
  auto own = std::make_shared<RunFlags>();
  app.add_option("MODEL", own->model, "model file (.tflite, .tersor)")->required();
  app.add_option("--input", own->inputs, ".npy file, one for each input, in the model's order")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--output", own->outputs, ".npy file, one for each output, in the model's order")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("!--no-prepare", own->prepare,
               "run the graph as it was read, without inference passes");
  app.footer(
      "Arrays hold raw values of the model's own element type; symbolic extents are theirs.\n"
      "example: tersor run model.tflite --input x.npy --output y.npy");
  return [own, &flags] { return Run(*own, flags); };
}

}  // namespace tersor::cli
