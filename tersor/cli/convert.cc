#include "tersor/base/file.h"
#include "tersor/cli/command.h"
#include "tersor/cli/option_flags.h"
#include "tersor/formats/formats.h"
#include "tersor/guide/run_recipe.h"
#include "tersor/transforms/pass.h"

namespace tersor::cli {
namespace {

struct ConvertFlags {
  std::string from, to;
  NormalizeFlag normalize;
  ExportFlags writing;
  bool prepare = false;
};

Status Convert(const ConvertFlags& own, const CommonFlags& flags) {
  TERSOR_RETURN_IF_ERROR(formats::CheckOutput(own.to));
  TERSOR_ASSIGN_OR_RETURN(ir::Graph model, formats::ImportModel(own.from));
  if (!own.normalize.name.empty()) {
    model.mutable_metadata()[guide::kNormalizeKey] = own.normalize.name;
  }
  if (own.prepare) {
    TERSOR_ASSIGN_OR_RETURN(model, transforms::PrepareForInference(model));
  }
  TERSOR_RETURN_IF_ERROR(own.writing.Export(model, own.to));
  TERSOR_ASSIGN_OR_RETURN(const int64_t before, FileSizeBytes(own.from));
  TERSOR_ASSIGN_OR_RETURN(const int64_t after, FileSizeBytes(own.to));
  if (flags.json) {
    Json json;
    json["file"] = own.to;
    json["file_bytes"] = after;
    json["source_bytes"] = before;
    SayJson(json);
  } else {
    Say(flags,
        StrCat(own.to, ": ", Grouped(after), " bytes (", own.from, ": ", Grouped(before), ")"));
  }
  return OkStatus();
}

}  // namespace

Action RegisterConvert(CLI::App& app, CommonFlags& flags) {
  auto own = std::make_shared<ConvertFlags>();
  app.add_option("FROM", own->from, "model file to read")->required();
  app.add_option("TO", own->to, "file to write; its extension is the format (.tflite, .tersor)")
      ->required();
  own->normalize.AddTo(app);
  app.add_flag("--prepare", own->prepare,
               "run the inference passes first (what the deployable runtime wants)");
  own->writing.AddTo(app);
  app.footer("example: tersor convert model.tflite model.tersor --normalize signed");
  return [own, &flags] { return Convert(*own, flags); };
}

}  // namespace tersor::cli
