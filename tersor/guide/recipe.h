// Recipes: which ways to make a model smaller are tried. Written by people as YAML, kept with each
// point as JSON. docs/guide.md shows the default one and says what each key means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/compression/quantization/quantization.h"
#include "tersor/data/normalize.h"

namespace tersor::guide {

/// One way to make a model.
struct Candidate {
  /// "original" (the model as it is, prepared for inference) or the name of a QuantizationKind.
  std::string technique = "original";
  compression::CalibrationMethod calibration = compression::CalibrationMethod::kMinMax;
  double percentile = 99.99;                   ///< of the calibration by percentile
  int64_t calibration_examples = 512;          ///< of the train split, evenly spaced
  bool per_channel = true;                     ///< a scale for each output channel of a filter
  std::vector<std::string> exclude;            ///< name patterns that stay f32 (* and ?)
  std::vector<std::string> exclude_operators;  ///< text names of operators that stay f32

  /// "full-integer mse": the technique, and what of it is not the default.
  std::string Label() const;
  bool original() const { return technique == "original"; }
  bool needs_calibration() const;
  /// Not for the original.
  Result<compression::QuantizationOptions> ToQuantization() const;
};

/// Candidates of a recipe's text. Errors name the line, what was found and what is known there.
Result<std::vector<Candidate>> ParseRecipe(std::string_view yaml);
/// The same of a file of at most 1 MB.
Result<std::vector<Candidate>> LoadRecipe(const std::string& path);

/// The recipe that is followed without another: the original, and each kind of quantization.
std::string_view DefaultRecipe();

/// What identifies a point besides its candidate.
struct RecipeContext {
  std::string model_name;  ///< of the file, without folder and extension
  std::string model_hash;  ///< of its bytes
  std::string format;      ///< "tersor", "tflite"
  data::Normalize normalize = data::Normalize::kSigned;
};

/// The point's recipe: {"candidate options", "format", "model", "model_hash", "normalize"}, as
/// canonical JSON. Options without meaning for the technique are left out, so two texts that say
/// the same make the same recipe.
std::string RecipeJson(const Candidate& candidate, const RecipeContext& context);

}  // namespace tersor::guide
