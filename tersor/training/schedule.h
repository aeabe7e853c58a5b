// Learning-rate schedules.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/options.h"
#include "tersor/base/status.h"
#include "tersor/training/step_hook.h"

namespace tersor::training {

enum class ScheduleKind : uint8_t { kConstant, kStep, kCosine, kPlateau };

inline constexpr std::string_view kScheduleNames[] = {"constant", "step", "cosine", "plateau"};
constexpr std::span<const std::string_view> OptionNames(ScheduleKind) { return kScheduleNames; }

/// The rows say what each option means, and name the papers.
struct ScheduleOptions {
#define OPTION OPTION_MEMBER
#include "tersor/training/schedule_options.inc"
#undef OPTION
};

/// The rate of each step, as the hook "schedule". Its only state is the plateau's, which Save() and
/// Restore() carry through a checkpoint.
class Schedule : public StepHook {
 public:
  Schedule(ScheduleOptions options, int64_t total_steps)
      : options_(std::move(options)), total_steps_(total_steps) {}

  /// Rate of step `step`, counted from 0.
  double RateAt(int64_t step) const;
  /// Takes the validation loss of an epoch that has ended. kPlateau: when it has not fallen for
  /// `patience` epochs, the rate is lowered.
  void EndEpoch(double validation_loss);

  std::string_view name() const override { return "schedule"; }
  /// Sets the learning rate of the step.
  Status BeforeStep(StepContext& context) override;
  /// Takes the validation loss, or the loss of training where there is no validation set.
  Status AfterEpoch(const EpochMetrics& metrics) override;
  std::string Save() const override;
  Status Restore(std::string_view saved) override;

 private:
  ScheduleOptions options_;
  int64_t total_steps_;
  double plateau_scale_ = 1;
  double best_loss_ = 1e300;
  int epochs_without_gain_ = 0;
};

}  // namespace tersor::training
