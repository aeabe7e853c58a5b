// Post-training quantization of f32 graphs: smaller weights, and integer arithmetic (Jacob et al.
// 2018; Krishnamoorthi 2018; survey §3.2). What each kind costs and gains:
// docs/techniques/quantization.md.
//
//   auto statistics = Calibrate(model, training_images, {.normalize = Normalize::kSigned});
//   TechniqueReport report;
//   auto small = Quantize(model, {.kind = QuantizationKind::kFullInteger}, &*statistics, &report);
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "tersor/base/options.h"
#include "tersor/base/status.h"
#include "tersor/compression/levels.h"
#include "tersor/compression/quantization/calibration.h"
#include "tersor/compression/quantization/histogram.h"
#include "tersor/compression/report.h"
#include "tersor/ir/graph.h"

namespace tersor::compression {

enum class QuantizationKind : uint8_t {
  kFloat16,       ///< constants as f16 behind a cast; arithmetic in f32
  kWeightOnly,    ///< filters as i8 behind a dequantize; arithmetic in f32
  kDynamicRange,  ///< filters as i8 that f32 layers read themselves. TFLite's runtimes then
                  ///< quantize activations as they come; ours widens the filter when it compiles
  kFullInteger,   ///< i8 activations per tensor, i8 filters, i32 biases, i8 inputs and outputs
};

inline constexpr std::string_view kQuantizationKindNames[] = {"float16", "weight-only",
                                                              "dynamic-range", "full-integer"};
constexpr std::span<const std::string_view> OptionNames(QuantizationKind) {
  return kQuantizationKindNames;
}

/// What happens at one place of the graph. Names that patterns are matched with: that of a node's
/// first result and, where it has one, of its filter.
struct QuantizationSetting {
#define OPTION OPTION_MEMBER
#include "tersor/compression/quantization/setting_options.inc"
#undef OPTION
  static OptionTable Table();
};

struct QuantizationOptions {
#define OPTION OPTION_MEMBER
#include "tersor/compression/quantization/quantize_options.inc"
#undef OPTION
  Levels<QuantizationSetting> settings;
  /// The rows of this struct and of the default setting.
  static OptionTable Table();
};

/// The metadata of a quantized graph that holds the name of its kind. Files hold this key.
inline constexpr char kQuantizationKey[] = "quantization";

/// The quantized graph. `model` is f32 (weights may be narrower already); it is first brought into
/// the form of PrepareForQuantization, or that form is taken from `statistics` of the same model.
/// kFullInteger needs such statistics; other kinds may have them.
///
/// Full integer: an operator without integer arithmetic, or excluded by its setting, stays f32
/// between a dequantize and a quantize; inputs and outputs are i8 in any case. Softmax and sigmoid
/// have scale 1/256 and zero point -128, tanh 1/128 and 0, log_softmax 1/16 and 127, as the TFLite
/// format wants; results that only move elements, and what is concatenated, share one scale. So do
/// x, constant and sum of x + constant where that is the lesser error, and the error of the rounded
/// constant goes into the bias of the layer behind.
/// Errors: no statistics, statistics of another model, an integer model, a graph that trains.
Result<ir::Graph> Quantize(const ir::Graph& model, const QuantizationOptions& options,
                           const CalibrationStatistics* statistics = nullptr,
                           TechniqueReport* report = nullptr);

}  // namespace tersor::compression
