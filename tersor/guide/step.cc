#include "tersor/guide/step.h"

#include <algorithm>
#include <vector>

#include "tersor/architectures/family.h"
#include "tersor/training/trainer.h"

namespace tersor::guide {
namespace {

const std::vector<Option>& TrainRows() {
  static const std::vector<Option> kRows = [] {
    std::vector<Option> rows;
    for (OptionTable part : {NewModelOptions::Table(), architectures::FamilyOptions::Table(),
                             training::TrainerOptions::Table()}) {
      rows.insert(rows.end(), part.begin(), part.end());
    }
    return rows;
  }();
  return kRows;
}

}  // namespace

OptionTable NewModelOptions::Table() {
  static constexpr Option kRows[] = {
#define OPTION(type, name, value, ...) MakeOption<&NewModelOptions::name>(#name, __VA_ARGS__),
#include "tersor/guide/new_model_options.inc"
#undef OPTION
  };
  return kRows;
}

std::span<const StepType> AllStepTypes() {
  static const std::vector<StepType> kTypes = [] {
    std::vector<StepType> types = {
        {"train", "make a model of a family and train it", StepKind::kTrain, TrainRows()},
        {"finetune", "train the model further", StepKind::kFinetune,
         training::TrainerOptions::Table()}};
    for (const compression::Technique& technique : compression::AllTechniques()) {
      types.push_back({technique.name, technique.doc, StepKind::kTechnique,
                       technique.functions.options, &technique});
    }
    return types;
  }();
  return kTypes;
}

const StepType* FindStepType(std::string_view name) {
  const auto types = AllStepTypes();
  const auto found = std::find_if(types.begin(), types.end(),
                                  [&](const StepType& type) { return type.name == name; });
  return found == types.end() ? nullptr : &*found;
}

const StepType& StepTypeOf(StepKind kind) {
  TERSOR_CHECK(kind != StepKind::kTechnique);
  const auto types = AllStepTypes();
  return *std::find_if(types.begin(), types.end(),
                       [&](const StepType& type) { return type.kind == kind; });
}

std::string Step::Label() const {
  if (type->technique != nullptr) return type->technique->Label(settings);
  return compression::OptionsLabel(type->name, type->options, settings.values);
}

Step MakeStep(const StepType& type, const OptionValues& given) {
  Step step{&type, {}};
  step.settings.values = CompleteValues(type.options, given);
  return step;
}

}  // namespace tersor::guide
