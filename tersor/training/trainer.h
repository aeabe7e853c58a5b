// The trainer: epochs of steps over a data set, on shards, with checkpoints.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tersor/base/options.h"
#include "tersor/base/status.h"
#include "tersor/data/augment.h"
#include "tersor/data/dataset.h"
#include "tersor/data/normalize.h"
#include "tersor/ir/graph.h"
#include "tersor/training/schedule.h"
#include "tersor/training/training_step.h"

namespace tersor::training {

struct EpochMetrics {
  int64_t epoch = 0;  ///< counted from 1
  int64_t epochs = 0;
  double learning_rate = 0;  ///< of the last step
  double loss = 0;           ///< mean over the epoch's training examples, as they were trained on
  double accuracy = 0;       ///< the same
  double validation_accuracy = 0;  ///< 0 without a validation set
  double images_per_second = 0;    ///< training alone
  double seconds = 0;              ///< training and validation
};

struct TrainerOptions {
#define OPTION OPTION_MEMBER
#include "tersor/training/trainer_options.inc"
#undef OPTION
  TrainingStepOptions step;
  ScheduleOptions schedule;
  data::AugmentOptions augment;
  /// The rows of this struct, of its step, optimizer, schedule and augmentation.
  static OptionTable Table();

  int threads = 1;  ///< shards of a step; they decide the bits of the result, too
  data::Normalize normalize = data::Normalize::kSigned;
  /// Where the state goes (a .tersor file), by write-then-rename; empty: nowhere.
  std::string checkpoint_path;
  int64_t checkpoint_steps = 0;  ///< so many steps apart; 0: at the end of each epoch
  bool resume = false;  ///< go on from checkpoint_path if it is there: the result is that of an
                        ///< unbroken run, to the bit
  int64_t stop_after_steps =
      0;  ///< end the run early, as a kill would, after so many steps; 0: never
  /// Called in the thread of Train() at the end of each epoch. A failure ends the training.
  std::function<Status(const EpochMetrics&)> on_epoch;
};

/// Trains the variables of `model` in place (its structure stays). `validation` may be empty (size
/// 0). Bits of the result: the same for the same seed, data, threads and CPU features. Progress
/// goes to standard error.
Result<std::vector<EpochMetrics>> Train(ir::Graph& model, const data::Dataset& train,
                                        const data::Dataset& validation,
                                        const TrainerOptions& options);

}  // namespace tersor::training
