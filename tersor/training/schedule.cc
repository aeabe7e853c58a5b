#include "tersor/training/schedule.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "tersor/training/epoch_metrics.h"

namespace tersor::training {
namespace {

// A loss must fall by this share to count as better.
constexpr double kGain = 1e-4;

}  // namespace

double Schedule::RateAt(int64_t step) const {
  const double rate = options_.learning_rate;
  if (step < options_.warmup_steps) {
    return rate * static_cast<double>(step + 1) / static_cast<double>(options_.warmup_steps);
  }
  const double share =
      total_steps_ <= 0 ? 0 : static_cast<double>(step) / static_cast<double>(total_steps_);
  switch (options_.kind) {
    case ScheduleKind::kConstant:
      return rate;
    case ScheduleKind::kStep: {
      double scaled = rate;
      for (double boundary : options_.boundaries) {
        if (share >= boundary) scaled *= options_.factor;
      }
      return scaled;
    }
    case ScheduleKind::kCosine: {
      const auto warmup = static_cast<double>(options_.warmup_steps);
      const double span = std::max(1.0, static_cast<double>(total_steps_) - warmup);
      const double done = std::min(1.0, (static_cast<double>(step) - warmup) / span);
      return options_.floor +
             (rate - options_.floor) * 0.5 * (1 + std::cos(std::numbers::pi * done));
    }
    case ScheduleKind::kPlateau:
      return std::max(options_.floor, rate * plateau_scale_);
  }
  return rate;
}

void Schedule::EndEpoch(double validation_loss) {
  if (options_.kind != ScheduleKind::kPlateau) return;
  if (validation_loss < best_loss_ * (1 - kGain)) {
    best_loss_ = validation_loss;
    epochs_without_gain_ = 0;
    return;
  }
  if (++epochs_without_gain_ < options_.patience) return;
  plateau_scale_ *= options_.factor;
  epochs_without_gain_ = 0;
}

Status Schedule::BeforeStep(StepContext& context) {
  context.learning_rate = RateAt(context.step);
  return OkStatus();
}

Status Schedule::AfterEpoch(const EpochMetrics& metrics) {
  EndEpoch(metrics.validated ? metrics.validation_loss : metrics.loss);
  return OkStatus();
}

std::string Schedule::Save() const {
  char text[96];
  std::snprintf(text, sizeof(text), "%a %a %d", plateau_scale_, best_loss_, epochs_without_gain_);
  return text;
}

Status Schedule::Restore(std::string_view saved) {
  double scale = 0, best = 0;
  int epochs = 0;
  if (std::sscanf(std::string(saved).c_str(), "%la %la %d", &scale, &best, &epochs) != 3) {
    return DataLoss("schedule state: expected three numbers, found '", saved, "'");
  }
  plateau_scale_ = scale;
  best_loss_ = best;
  epochs_without_gain_ = epochs;
  return OkStatus();
}

}  // namespace tersor::training
