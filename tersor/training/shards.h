// The shards of a training step: one program and one thread for each, as long as the run lasts.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/kernels/collective.h"
#include "tersor/runtime/backend.h"
#include "tersor/training/training_step.h"

namespace tersor::training {

struct ShardsOptions {
  int64_t batch_size = 0;  ///< divisible by the number of shards
  int threads = 1;         ///< the number of shards
  /// Where the shards meet; it has `threads` shards and outlives them. Null: threads of this
  /// process.
  kernels::Collective* collective = nullptr;
  /// What compiles the step; null: runtime::CpuBackend().
  const runtime::Backend* backend = nullptr;
  /// The input of the step that each tensor of a batch is for, in the order of the batch.
  std::vector<std::string> fields;
};

/// What one step saw.
struct StepResult {
  double loss_sum = 0;  ///< over the examples of the batch
  int64_t correct = 0;  ///< 0 where no loss counts (TrainingStep::counting)
};

/// Runs steps. Shard s works on the s-th part of each batch; shard 0 runs in the caller's thread.
/// For one thread.
class Shards {
 public:
  /// Compiles the step for each shard and starts the threads. `step` outlives the object, and its
  /// variables are those that Run() changes. Fails when the step has an input that is neither a
  /// field nor made by the trainer, when memory runs out, and when the system gives no thread.
  static Result<std::unique_ptr<Shards>> Create(const TrainingStep& step,
                                                const ShardsOptions& options);
  ~Shards();
  Shards(const Shards&) = delete;
  Shards& operator=(const Shards&) = delete;

  /// One step. `batch` has the types of the step's inputs, batch first. `step` counts from 0. When
  /// it returns, all shards have updated the variables.
  Result<StepResult> Run(std::span<const ConstTensorView> batch, double learning_rate,
                         int64_t step);

 private:
  struct Impl;
  explicit Shards(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tersor::training
