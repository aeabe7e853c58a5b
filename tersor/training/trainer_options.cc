#include "tersor/base/options.h"
#include "tersor/training/trainer.h"

namespace tersor::training {

OptionTable TrainerOptions::Table() {
  static constexpr Option kRows[] = {
#define OPTION(type, name, value, ...) MakeOption<&TrainerOptions::name>(#name, __VA_ARGS__),
#include "tersor/training/trainer_options.inc"
#undef OPTION
#define OPTION(type, name, value, ...)                                                             \
  InGroup(                                                                                         \
      "optimizer",                                                                                 \
      MakeOption<&TrainerOptions::step, &TrainingStepOptions::optimizer, &OptimizerOptions::name>( \
          #name, __VA_ARGS__)),
#include "tersor/training/optimizer_options.inc"
#undef OPTION
#define OPTION(type, name, value, ...) \
  InGroup("schedule",                  \
          MakeOption<&TrainerOptions::schedule, &ScheduleOptions::name>(#name, __VA_ARGS__)),
#include "tersor/training/schedule_options.inc"
#undef OPTION
#define OPTION(type, name, value, ...) \
  MakeOption<&TrainerOptions::step, &TrainingStepOptions::name>(#name, __VA_ARGS__),
#include "tersor/training/training_step_options.inc"
#undef OPTION
#define OPTION(type, name, value, ...) \
  MakeOption<&TrainerOptions::augment, &data::AugmentOptions::name>(#name, __VA_ARGS__),
#include "tersor/data/augment_options.inc"
#undef OPTION
  };
  return kRows;
}

}  // namespace tersor::training
