// Learning-rate schedules.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"

namespace tersor::training {

enum class ScheduleKind {
  kConstant,
  kStep,     ///< times `factor` at each boundary
  kCosine,   ///< half a cosine from the rate down to `floor` over all steps (Loshchilov & Hutter
             ///< 2017)
  kPlateau,  ///< times `factor` when the validation loss has not fallen for `patience` epochs
};

std::string_view ScheduleName(ScheduleKind kind);
std::optional<ScheduleKind> ParseSchedule(std::string_view name);

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::kCosine;
  double learning_rate = 0.1;                    ///< the highest rate
  int64_t warmup_steps = 0;                      ///< rises linearly from 0 over so many steps first
  std::vector<double> boundaries = {0.5, 0.75};  ///< kStep: shares of all steps
  double factor = 0.1;                           ///< kStep, kPlateau
  double floor = 0;                              ///< kCosine, kPlateau: no lower than this
  int patience = 5;                              ///< kPlateau
};

/// The rate of each step. Its only state is the plateau's, which Save() and Restore() carry through
/// a checkpoint.
class Schedule {
 public:
  Schedule(ScheduleOptions options, int64_t total_steps)
      : options_(std::move(options)), total_steps_(total_steps) {}

  /// Rate of step `step`, counted from 0.
  double RateAt(int64_t step) const;
  /// Tells the validation loss of an epoch that has ended.
  void EndEpoch(double validation_loss);

  std::string Save() const;
  Status Restore(std::string_view saved);

 private:
  ScheduleOptions options_;
  int64_t total_steps_;
  double plateau_scale_ = 1;
  double best_loss_ = 1e300;
  int epochs_without_gain_ = 0;
};

}  // namespace tersor::training
