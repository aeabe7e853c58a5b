// Follows a recipe: from a model to the model that its steps make of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/compression/quantization/calibration.h"
#include "tersor/compression/report.h"
#include "tersor/data/normalize.h"
#include "tersor/guide/recipe.h"
#include "tersor/guide/splits.h"
#include "tersor/ir/graph.h"
#include "tersor/training/trainer.h"

namespace tersor::guide {

/// An epoch of a training step that has ended.
struct RecipeEpoch {
  int64_t number = 0;  ///< counted from 1 over all training steps of the recipe
  bool again = false;  ///< trained for an earlier recipe, and told again for this one
  const training::EpochMetrics& metrics;
};

/// What the steps of a recipe work with. The test split is never read.
struct RecipeRun {
  Splits* splits = nullptr;  ///< training and calibration read the train split alone
  data::Normalize normalize = data::Normalize::kSigned;
  int threads = 1;
  int64_t limit = 0;                 ///< examples of a split that training reads; 0: all
  bool train_on_validation = false;  ///< validation examples train, too; nothing is validated
  std::string checkpoint_path;       ///< of the only training step: as in training::TrainerOptions
  int64_t checkpoint_steps = 0;
  bool resume = false;
  const std::atomic<bool>* stop = nullptr;  ///< as in training::TrainerOptions
  /// May be empty. A failure ends the recipe with it. Each recipe tells every epoch of its training
  /// steps, in their order, also where a step was done for an earlier recipe.
  std::function<Status(const RecipeEpoch&)> on_epoch;
};

/// What one step did.
struct StepReport {
  std::string label;
  compression::TechniqueReport technique;
  int64_t calibration_examples = 0;            ///< that the step looked at
  std::vector<training::EpochMetrics> epochs;  ///< of a training
};

struct RecipeResult {
  ir::Graph graph;
  std::vector<StepReport> steps;
};

/// Follows recipes one after another. What recipes of the same model have in common, which is all
/// steps but the last, and calibration on the same examples, is done once for recipes that follow
/// each other. Not for several threads at once.
///
/// A technique that prepares the graph stays open while training steps follow: they train what it
/// added, and its schedule acts between their steps. It is finished, in the order of preparation,
/// before a technique that does not prepare, or at the end. Errors say which step failed where
/// there are several: a step without the data that it needs, no model and a first step other than
/// `train`, and all that a step can fail of.
class RecipeRunner {
 public:
  explicit RecipeRunner(RecipeRun run) : run_(std::move(run)) {}

  /// `model` (null: none) must outlive the runner. Its metadata "normalize" is set by the caller.
  Result<RecipeResult> Run(const ir::Graph* model, const Recipe& recipe);

 private:
  using Calibrations = std::map<int64_t, compression::CalibrationStatistics>;
  struct State {
    bool has_graph = false;
    ir::Graph graph;
    std::vector<Step> open;  ///< prepared, not finished
    std::vector<StepReport> reports;
  };

  static State Begin(const ir::Graph* model);
  static State Copy(const State& state);
  Status Do(const Step& step, State& state, Calibrations& calibrations) const;
  Status Train(const Step& step, State& state, StepReport& report) const;
  Status ApplyTechnique(const Step& step, State& state, Calibrations& calibrations,
                        StepReport& report) const;
  Status Finish(const Step& step, State& state, Calibrations& calibrations,
                StepReport& report) const;
  Status FinishOpen(State& state, StepReport& report) const;
  Status TellEpochsAgain() const;

  RecipeRun run_;
  const ir::Graph* begun_with_ = nullptr;  ///< the model and the steps that begun_ is after
  std::string begun_steps_;
  State begun_;
  Calibrations begun_calibrations_;  ///< of begun_.graph
};

/// The metadata of a model that says how it wants its pixels (data/normalize.h), and the metadata
/// that holds the recipe that made it. Files hold these keys.
inline constexpr char kNormalizeKey[] = "normalize", kRecipeKey[] = "recipe";

/// How a model wants its pixels: what its file says (metadata "normalize"), else signed.
Result<data::Normalize> NormalizeOf(const ir::Graph& model);

/// Follows one recipe.
Result<RecipeResult> RunRecipe(const ir::Graph* model, const Recipe& recipe, const RecipeRun& run);

}  // namespace tersor::guide
