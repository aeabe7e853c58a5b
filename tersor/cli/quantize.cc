#include <cstdio>

#include "tersor/base/file.h"
#include "tersor/base/progress.h"
#include "tersor/cli/command.h"
#include "tersor/compression/quantization/quantization.h"
#include "tersor/data/dataset.h"
#include "tersor/formats/formats.h"

namespace tersor::cli {
namespace {

using compression::CalibrationMethod;
using compression::QuantizationKind;

struct QuantizeFlags {
  std::string model, output, kind = "full-integer", data, method = "mse";
  NormalizeFlag normalize;
  int64_t samples = 500;
  double percentile = 99.99;
  bool per_tensor = false;
  std::vector<std::string> excluded_names, excluded_ops;
};

Result<compression::QuantizationOptions> OptionsOf(const QuantizeFlags& own) {
  compression::QuantizationOptions options;
  options.kind = *compression::ParseQuantizationKind(own.kind);
  compression::QuantizationSetting& standard = options.settings.standard;
  for (auto method :
       {CalibrationMethod::kMinMax, CalibrationMethod::kPercentile, CalibrationMethod::kMse}) {
    if (own.method == compression::CalibrationMethodName(method)) standard.method = method;
  }
  standard.percentile = own.percentile;
  standard.per_channel = !own.per_tensor;
  compression::QuantizationSetting excluded = standard;
  excluded.quantize = false;
  for (const std::string& name : own.excluded_ops) {
    const auto op = ir::ParseOpTextName(name);
    if (!op) {
      return InvalidArgument("--exclude-op: no operator is called '", name,
                             "'; tersor inspect lists those of a model");
    }
    options.settings.by_operator.emplace_back(*op, excluded);
  }
  for (const std::string& glob : own.excluded_names) {
    options.settings.by_name.emplace_back(glob, excluded);
  }
  return options;
}

Result<compression::CalibrationStatistics> CalibrateOn(const QuantizeFlags& own,
                                                       const ir::Graph& model,
                                                       data::Normalize normalize,
                                                       const CommonFlags& flags) {
  if (own.data.empty()) {
    return InvalidArgument(
        "--kind full-integer needs calibration data: name a data set with --data");
  }
  data::DatasetOptions loading;
  loading.threads = flags.threads;
  loading.max_examples = own.samples;
  TERSOR_ASSIGN_OR_RETURN(const data::Dataset examples,
                          data::LoadDataset(own.data, data::Split::kTrain, loading));
  compression::CalibrationOptions options;
  options.normalize = normalize;
  options.threads = flags.threads;
  return compression::Calibrate(model, examples, options);
}

Json EntriesJson(const std::vector<compression::QuantizationReport::Entry>& entries) {
  Json json = Json::array();
  for (const auto& entry : entries) {
    json.push_back({{"name", entry.name}, {"op", entry.op}, {"note", entry.note}});
  }
  return json;
}

void SayEntries(const CommonFlags& flags, const char* title,
                const std::vector<compression::QuantizationReport::Entry>& entries) {
  if (entries.empty()) return;
  Say(flags, title);
  for (const auto& entry : entries) {
    Say(flags, StrCat("  ", entry.op, ' ', entry.name, ": ", entry.note));
  }
}

Status Quantize(const QuantizeFlags& own, const CommonFlags& flags) {
  TERSOR_ASSIGN_OR_RETURN(const auto options, OptionsOf(own));
  TERSOR_ASSIGN_OR_RETURN(const ir::Graph model, formats::ImportModel(own.model));
  TERSOR_ASSIGN_OR_RETURN(const data::Normalize normalize, own.normalize.For(model));
  std::optional<compression::CalibrationStatistics> statistics;
  if (options.kind == QuantizationKind::kFullInteger) {
    TERSOR_ASSIGN_OR_RETURN(statistics, CalibrateOn(own, model, normalize, flags));
  }
  compression::QuantizationReport report;
  TERSOR_ASSIGN_OR_RETURN(
      ir::Graph quantized,
      compression::Quantize(model, options, statistics ? &*statistics : nullptr, &report));
  quantized.mutable_metadata()["normalize"] = data::NormalizeName(normalize);
  TERSOR_RETURN_IF_ERROR(formats::ExportModel(quantized, own.output));
  TERSOR_ASSIGN_OR_RETURN(const int64_t before, FileSizeBytes(own.model));
  TERSOR_ASSIGN_OR_RETURN(const int64_t after, FileSizeBytes(own.output));
  const int64_t samples = statistics ? statistics->examples : 0;
  if (flags.json) {
    Json json;
    json["file"] = own.output;
    json["kind"] = own.kind;
    json["calibration_examples"] = samples;
    json["file_bytes"] = after;
    json["source_bytes"] = before;
    json["weight_bytes"] = report.weight_bytes_after;
    json["source_weight_bytes"] = report.weight_bytes_before;
    json["quantized"] = EntriesJson(report.quantized);
    json["left_out"] = EntriesJson(report.left_out);
    SayJson(json);
    return OkStatus();
  }
  if (!flags.quiet) {
    SayEntries(flags, "quantized:", report.quantized);
    SayEntries(flags, "left as it is:", report.left_out);
    if (samples > 0) {
      Say(flags, StrCat("calibrated on ", Grouped(samples), " training examples, ", own.method));
    }
  }
  char share[32];
  std::snprintf(
      share, sizeof(share), "%.1f",
      100.0 * static_cast<double>(after) / static_cast<double>(std::max<int64_t>(before, 1)));
  Say(flags, StrCat(own.output, ": ", Grouped(after), " bytes, ", share, " % of ", own.model, " (",
                    Grouped(before), ")"));
  return OkStatus();
}

}  // namespace

Action RegisterQuantize(CLI::App& app, CommonFlags& flags) {
  auto own = std::make_shared<QuantizeFlags>();
  app.add_option("MODEL", own->model, "f32 model file (.tflite, .tersor)")->required();
  app.add_option("--output", own->output,
                 "file to write; its extension is the format (.tflite, .tersor)")
      ->required();
  app.add_option("--kind", own->kind,
                 "float16: half the bytes; weight-only, dynamic-range: i8 filters, f32 arithmetic; "
                 "full-integer: i8 throughout, needs --data")
      ->check(CLI::IsMember({"float16", "weight-only", "dynamic-range", "full-integer"}))
      ->capture_default_str();
  app.add_option("--data", own->data,
                 "calibration data: a name or path as for eval; its training split is used");
  app.add_option("--samples", own->samples, "calibration examples, evenly spaced (0: all)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--method", own->method,
                 "range of an activation: min-max, percentile (outliers are clipped), mse (least "
                 "error)")
      ->check(CLI::IsMember({"min-max", "percentile", "mse"}))
      ->capture_default_str();
  app.add_option("--percentile", own->percentile,
                 "share of the values that --method percentile keeps")
      ->check(CLI::Range(1.0, 100.0))
      ->capture_default_str();
  app.add_flag("--per-tensor", own->per_tensor, "one scale a filter instead of one a channel");
  own->normalize.AddTo(app);
  app.add_option("--exclude", own->excluded_names,
                 "leave in f32 what has a result or filter of this name (* and ? are wild); repeat")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--exclude-op", own->excluded_ops, "leave an operator (conv2d) in f32; repeat")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.footer(
      "example: tersor quantize model.tflite --kind full-integer --data fashion-mnist --samples "
      "500 "
      "--output small.tersor");
  return [own, &flags] { return Quantize(*own, flags); };
}

}  // namespace tersor::cli
