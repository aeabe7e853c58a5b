// Quantization as a row of techniques.inc.
#include "tersor/compression/technique.h"

#include "tersor/compression/quantization/quantization.h"

namespace tersor::compression {

TechniqueFunctions QuantizeTechnique();

OptionTable QuantizationSetting::Table() {
  static constexpr Option kRows[] = {
#define OPTION(type, name, value, ...) MakeOption<&QuantizationSetting::name>(#name, __VA_ARGS__),
#include "tersor/compression/quantization/setting_options.inc"
#undef OPTION
  };
  return kRows;
}

OptionTable QuantizationOptions::Table() {
  static constexpr Option kRows[] = {
#define OPTION(type, name, value, ...) MakeOption<&QuantizationOptions::name>(#name, __VA_ARGS__),
#include "tersor/compression/quantization/quantize_options.inc"
#undef OPTION
#define OPTION(type, name, value, ...)                                               \
  MakeOption<&QuantizationOptions::settings, &Levels<QuantizationSetting>::standard, \
             &QuantizationSetting::name>(#name, __VA_ARGS__),
#include "tersor/compression/quantization/setting_options.inc"
#undef OPTION
  };
  return kRows;
}

namespace {

Result<const CalibrationStatistics*> StatisticsOf(const ir::Graph& graph, int64_t examples,
                                                  const TechniqueContext& context) {
  auto& known = *context.calibrations;
  if (const auto found = known.find(examples); found != known.end()) return &found->second;
  TERSOR_ASSIGN_OR_RETURN(const data::Dataset* train, context.training_examples(examples));
  CalibrationOptions options;
  options.normalize = context.normalize;
  options.threads = context.threads;
  TERSOR_ASSIGN_OR_RETURN(auto statistics, Calibrate(graph, *train, options));
  return &known.emplace(examples, std::move(statistics)).first->second;
}

Status Finish(ir::Graph& graph, const TechniqueSettings& settings, const TechniqueContext& context,
              TechniqueReport& report) {
  auto options = settings.As<QuantizationOptions>();
  options.settings = settings.LevelsOf<QuantizationSetting>();
  const CalibrationStatistics* statistics = nullptr;
  if (options.kind == QuantizationKind::kFullInteger) {
    TERSOR_ASSIGN_OR_RETURN(statistics, StatisticsOf(graph, options.calibration_examples, context));
  }
  TERSOR_ASSIGN_OR_RETURN(graph, Quantize(graph, options, statistics, &report));
  return OkStatus();
}

// "full-integer percentile 99.9 64 examples per-tensor": the kind, and what is not the default.
std::string Label(const TechniqueSettings& settings) {
  const QuantizationOptions standard;
  const auto options = settings.As<QuantizationOptions>();
  const auto setting = settings.As<QuantizationSetting>();
  std::string label(OptionName(options.kind));
  if (options.kind == QuantizationKind::kFullInteger) {
    label += StrCat(" ", OptionName(setting.calibration));
    if (setting.calibration == CalibrationMethod::kPercentile &&
        setting.percentile != standard.settings.standard.percentile) {
      label += StrCat(" ", setting.percentile);
    }
    if (options.calibration_examples != standard.calibration_examples) {
      label += StrCat(" ", options.calibration_examples, " examples");
    }
  } else if (options.minimum_saved_bytes != standard.minimum_saved_bytes) {
    label += StrCat(" minimum ", options.minimum_saved_bytes);
  }
  if (!setting.per_channel && options.kind != QuantizationKind::kFloat16) label += " per-tensor";
  return label + SkippedText(settings);
}

}  // namespace

TechniqueFunctions QuantizeTechnique() {
  return {QuantizationOptions::Table(), nullptr, nullptr, &Finish, &Label};
}

}  // namespace tersor::compression
