// The trainer: epochs of steps over a data set, on shards, with checkpoints.
#pragma once

#include <atomic>
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
#include "tersor/kernels/collective.h"
#include "tersor/runtime/backend.h"
#include "tersor/training/epoch_metrics.h"
#include "tersor/training/schedule.h"
#include "tersor/training/step_hook.h"
#include "tersor/training/training_step.h"

namespace tersor::training {

struct TrainerOptions {
#define OPTION OPTION_MEMBER
#include "tersor/training/trainer_options.inc"
#undef OPTION
  TrainingStepOptions step;
  ScheduleOptions schedule;
  data::AugmentOptions augment;
  /// The rows of this struct, of its step, optimizer, schedule and augmentation.
  static OptionTable Table();

  std::vector<LossTerm> losses = {LossTerm{}};  ///< what is trained (TrainingStepSpec)
  std::vector<ExtraGraph> graphs;  ///< that take part beside the model, such as a teacher
  /// What acts between steps, in this order, after the learning-rate schedule ("schedule"), which
  /// is a hook itself. The caller's.
  std::vector<StepHook*> hooks;
  int threads = 1;  ///< shards of a step; they decide the bits of the result, too
  /// Where the shards meet; it has `threads` shards. Null: threads of this process.
  kernels::Collective* collective = nullptr;
  /// What compiles the step; null: runtime::CpuBackend().
  const runtime::Backend* backend = nullptr;
  data::Normalize normalize = data::Normalize::kSigned;
  /// The file (.tersor) that the state is written to, by write-then-rename; empty: none.
  std::string checkpoint_path;
  int64_t checkpoint_steps = 0;  ///< steps between two checkpoints; 0: one at the end of each epoch
  /// Go on from checkpoint_path when it exists: the result is that of an unbroken run, to the bit.
  bool resume = false;
  /// Ends the run after so many steps, as a kill would; 0: never. For tests.
  int64_t stop_after_steps = 0;
  /// Becomes true in another thread or in a signal handler when the training is to end early: after
  /// the step that runs, the checkpoint is written and Train() fails with a message that says so.
  const std::atomic<bool>* stop = nullptr;
  /// Called in the thread of Train() at the end of each epoch. A failure ends the training.
  std::function<Status(const EpochMetrics&)> on_epoch;
};

/// Trains the variables of `model` in place (its structure stays). The fields of `train` are bound
/// to the model's inputs by data::BindInputs, and to labels and inputs of extra graphs by name.
/// `validation` may be empty (size 0). The result has the same bits for the same seed, data, number
/// of threads and CPU features. Progress goes to standard error. Returns the metrics of the epochs
/// that this call has finished. Errors: options that make no sense, data that does not fit the
/// model, a loss that is not finite, a checkpoint of another run, a failing hook.
Result<std::vector<EpochMetrics>> Train(ir::Graph& model, const data::Dataset& train,
                                        const data::Dataset& validation,
                                        const TrainerOptions& options);

}  // namespace tersor::training
