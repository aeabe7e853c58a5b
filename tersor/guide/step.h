// A step of a recipe: a use of a technique, or a training.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tersor/base/options.h"
#include "tersor/compression/technique.h"

namespace tersor::guide {

enum class StepKind : uint8_t {
  kTrain,      ///< makes a new model of a family and trains it; what was before is dropped
  kFinetune,   ///< trains the model that it is given
  kTechnique,  ///< a row of compression/techniques.inc
};

/// Options that `train` has beside those of the family (architectures/family.h) and of the trainer.
struct NewModelOptions {
#define OPTION OPTION_MEMBER
#include "tersor/guide/new_model_options.inc"
#undef OPTION
  static OptionTable Table();
};

/// What a step is called, and what options it has.
struct StepType {
  std::string_view name, doc;
  StepKind kind;
  OptionTable options;
  const compression::Technique* technique = nullptr;  ///< of kTechnique
};

/// train, finetune and every technique.
std::span<const StepType> AllStepTypes();
/// The type of this name, or null.
const StepType* FindStepType(std::string_view name);
/// The type of a kind that is no technique.
const StepType& StepTypeOf(StepKind kind);

struct Step {
  const StepType* type = nullptr;
  compression::TechniqueSettings settings;  ///< `values` are of all rows of the type

  /// "full-integer mse", "finetune epochs=3": what it is called in tables.
  std::string Label() const;
};

/// The step of this type with these values above its defaults. The names are rows of the type.
Step MakeStep(const StepType& type, const OptionValues& given);

}  // namespace tersor::guide
