// Runs a model over a data set on several threads: the loop below accuracy, loss and calibration.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "tersor/base/cpu.h"
#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/data/dataset.h"
#include "tersor/data/normalize.h"
#include "tersor/ir/graph.h"
#include "tersor/runtime/backend.h"

namespace tersor::measure {

struct EvaluatorOptions {
  data::Normalize normalize = data::Normalize::kSigned;  ///< of u8 fields
  int threads = 1;     ///< each runs its own batches on its own program
  int64_t batch = 16;  ///< examples of one run (a model without symbolic batch: its own)
  CpuFeatures cpu = CpuFeatures::Detect();
  const runtime::Backend* backend = &runtime::CpuBackend();
};

/// One batch after its run. What it points to lasts for the call that gets it.
struct EvaluatedBatch {
  int64_t index = 0;                ///< of the batch in the set
  int64_t first = 0;                ///< index in the set of its first example
  int64_t count = 0;                ///< its examples; the rows behind them repeat other examples
  std::span<const Tensor> inputs;   ///< [batch,...] each, in the order of the model's inputs
  const Tensor* label = nullptr;    ///< [batch,...]; null where the set has no labels
  std::span<const Tensor> outputs;  ///< in the order of the model's outputs
};

/// Programs of a model that are compiled once and may run over any number of sets. Not for several
/// callers at once.
class Evaluator {
 public:
  /// Takes the model as it is: transforms::PrepareForInference is the caller's. Refuses a model
  /// whose inputs have not one and the same batch as their first extent. Programs are compiled when
  /// Run() needs them, and share the model's variables (runtime::Program).
  static Result<Evaluator> Create(const ir::Graph& model, const EvaluatorOptions& options = {});
  Evaluator(Evaluator&&) noexcept;
  Evaluator& operator=(Evaluator&&) noexcept;
  ~Evaluator();

  const ir::Graph& model() const;
  int threads() const;    ///< at most so many workers call the observer
  int64_t batch() const;  ///< examples of one run
  int64_t BatchesOf(const data::Dataset& dataset) const;

  /// Is told of each batch, in no fixed order. `worker` is in [0, threads()); calls with different
  /// workers may come at once, calls with the same one never do. A result that must not depend on
  /// the number of threads is kept by batch or by example, or is a sum of integers.
  using Observer = std::function<Status(const EvaluatedBatch& batch, int worker)>;

  /// Runs all batches of the set, in threads of this call. The set's fields are bound to the
  /// model's inputs by data::BindInputs. `progress` is called now and then with the share of
  /// batches that are done, from one of the threads. Fails where the set does not fit the model,
  /// where it cannot be read, and where the observer fails (the failure of the lowest batch that
  /// began).
  Status Run(const data::Dataset& dataset, const Observer& observer,
             const std::function<void(double)>& progress = {});

 private:
  struct Impl;
  explicit Evaluator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tersor::measure
