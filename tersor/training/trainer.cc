#include "tersor/training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>

#include "tersor/base/file.h"
#include "tersor/base/progress.h"
#include "tersor/base/threads.h"
#include "tersor/data/batcher.h"
#include "tersor/training/checkpoint.h"
#include "tersor/training/fingerprint.h"
#include "tersor/training/shards.h"
#include "tersor/training/validation.h"

namespace tersor::training {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Status CheckRun(const TrainerOptions& options) {
  TERSOR_RETURN_IF_ERROR(CheckOptions(options));
  TERSOR_RETURN_IF_ERROR(CheckThreadCount(options.threads));
  if (options.batch_size % options.threads != 0) {
    return InvalidArgument("batch size ", options.batch_size, " is not divisible by ",
                           options.threads, " threads");
  }
  return OkStatus();
}

TensorType WithBatchFirst(const TensorType& example) {
  std::vector<int64_t> dims = {kBatch};
  dims.insert(dims.end(), example.shape.dims().begin(), example.shape.dims().end());
  return {example.dtype, Shape(std::move(dims)), example.quantization};
}

TensorType WithoutBatch(const TensorType& type) {
  const auto& dims = type.shape.dims();
  return {type.dtype, Shape(std::vector<int64_t>(dims.begin() + 1, dims.end())), type.quantization};
}

// Which field of the data each input of the step reads.
struct Feed {
  std::vector<std::string> inputs;                 // of the step
  std::vector<data::Field> fields;                 // as the batcher gives them: one for each input
  std::map<std::string, std::string> field_names;  // of `fields`, by input
};

class Trainer {
 public:
  Trainer(ir::Graph& model, const data::Dataset& train, const data::Dataset& validation,
          const TrainerOptions& options)
      : model_(model), train_(train), validation_set_(validation), options_(options) {}

  Result<std::vector<EpochMetrics>> Run();

 private:
  Status MakeStep();
  Status MakeBatches();
  Status Resume();
  Status RunEpoch(EpochMetrics& metrics);
  Status Stop();
  Status RunSteps(Progress& progress, int64_t batches, EpochMetrics& metrics);
  Status RunStep(EpochMetrics& metrics);
  Status Save();

  ir::Graph& model_;
  const data::Dataset& train_;
  const data::Dataset& validation_set_;
  const TrainerOptions& options_;
  TrainingStepSpec spec_;
  TrainingStep step_;
  Feed feed_;
  std::unique_ptr<data::Batcher> batcher_;
  std::unique_ptr<data::BatchStream> stream_;
  std::unique_ptr<Schedule> schedule_;
  std::vector<StepHook*> hooks_;
  std::unique_ptr<StepVariables> variables_;
  std::unique_ptr<Shards> shards_;
  std::optional<Validation> validation_;
  std::string fingerprint_;
  CheckpointState state_;
  bool stopped_ = false;
};

// The graph of a step, and which field each of its inputs reads.
Status Trainer::MakeStep() {
  std::vector<data::Field> model_inputs;
  for (ir::ValueId id : model_.inputs()) {
    const ir::Value& input = model_.value(id);
    if (!input.type().shape.HasBatch()) {
      return InvalidArgument("training needs inputs with a symbolic batch, input ", input.name(),
                             " is ", input.type().ToString());
    }
    model_inputs.push_back({input.name(), WithoutBatch(input.type())});
  }
  TERSOR_ASSIGN_OR_RETURN(const auto bound, data::BindInputs(train_, model_inputs));
  std::map<std::string, data::Field> field_of;
  for (size_t i = 0; i < bound.size(); ++i) field_of[model_inputs[i].name] = bound[i];
  for (const data::Field& field : train_.fields()) {
    TensorType type = field.type;
    if (data::IsPixels(field)) type.dtype = DType::kF32;
    if (!field_of.contains(field.name)) field_of[field.name] = {field.name, type};
    spec_.inputs[field.name] = WithBatchFirst(type);
  }
  spec_.options = options_.step;
  spec_.losses = options_.losses;
  spec_.graphs = options_.graphs;
  for (const StepHook* hook : options_.hooks) {
    for (std::string& name : hook->host_written()) spec_.host_written.push_back(std::move(name));
  }
  TERSOR_ASSIGN_OR_RETURN(step_, MakeTrainingStep(model_, spec_));
  for (const auto& [name, place] : step_.inputs) {
    if (IsMadeByTrainer(name)) continue;
    const auto field = field_of.find(name);
    if (field == field_of.end()) {
      return InvalidArgument("the training reads a field '", name, "', which data set ",
                             train_.name, " does not have");
    }
    feed_.inputs.push_back(name);
    feed_.fields.push_back(field->second);
    feed_.field_names[name] = field->second.name;
  }
  return OkStatus();
}

Status Trainer::MakeBatches() {
  data::BatcherOptions batching;
  batching.batch_size = options_.batch_size;
  batching.seed = options_.seed;
  batching.normalize = options_.normalize;
  batching.augment = options_.augment;
  TERSOR_ASSIGN_OR_RETURN(auto batcher, data::Batcher::Create(train_, batching, feed_.fields));
  batcher_ = std::make_unique<data::Batcher>(std::move(batcher));
  return OkStatus();
}

// Puts the state of the checkpoint, if there is one, into the step and its hooks.
Status Trainer::Resume() {
  if (options_.checkpoint_path.empty()) return OkStatus();
  TERSOR_ASSIGN_OR_RETURN(fingerprint_,
                          RunFingerprint(options_, step_.graph, train_, validation_set_));
  if (!options_.resume || !FileExists(options_.checkpoint_path)) return OkStatus();
  TERSOR_ASSIGN_OR_RETURN(state_,
                          LoadCheckpoint(options_.checkpoint_path, fingerprint_, step_.graph));
  for (StepHook* hook : hooks_) {
    const auto saved = state_.hooks.find(std::string(hook->name()));
    if (saved == state_.hooks.end()) {
      return DataLoss(options_.checkpoint_path, ": holds no state of hook ", hook->name());
    }
    TERSOR_RETURN_IF_ERROR(hook->Restore(saved->second).WithContext(options_.checkpoint_path));
  }
  return OkStatus();
}

Status Trainer::Save() {
  if (options_.checkpoint_path.empty()) return OkStatus();
  for (const StepHook* hook : hooks_) state_.hooks[std::string(hook->name())] = hook->Save();
  state_.fingerprint = fingerprint_;
  return SaveCheckpoint(options_.checkpoint_path, step_.graph, state_);
}

// One step on the next batch, with what the hooks do around it.
Status Trainer::RunStep(EpochMetrics& metrics) {
  TERSOR_ASSIGN_OR_RETURN(const auto batch, stream_->Next());
  std::vector<ConstTensorView> tensors;
  for (const Tensor& tensor : batch.tensors) tensors.push_back(tensor.view());
  StepContext context{.step = state_.step,
                      .total_steps = options_.epochs * batcher_->batches_per_epoch(),
                      .variables = *variables_};
  for (StepHook* hook : hooks_) TERSOR_RETURN_IF_ERROR(hook->BeforeStep(context));
  TERSOR_ASSIGN_OR_RETURN(const StepResult result,
                          shards_->Run(tensors, context.learning_rate, state_.step));
  for (StepHook* hook : hooks_) TERSOR_RETURN_IF_ERROR(hook->AfterStep(context));
  metrics.learning_rate = context.learning_rate;
  ++state_.step;
  state_.loss_sum += result.loss_sum;
  state_.correct += result.correct;
  state_.seen += options_.batch_size;
  if (std::isfinite(state_.loss_sum)) return OkStatus();
  return FailedPrecondition("step ", state_.step,
                            ": the loss is not finite; a lower learning rate may help");
}

// Ends the training at the caller's wish, with all that is needed to go on.
Status Trainer::Stop() {
  TERSOR_RETURN_IF_ERROR(Save());
  return FailedPrecondition(
      "stopped after step ", state_.step, " of ", options_.epochs * batcher_->batches_per_epoch(),
      options_.checkpoint_path.empty() ? "" : "; the state is kept in ", options_.checkpoint_path);
}

// The last `batches` steps of the epoch.
Status Trainer::RunSteps(Progress& progress, int64_t batches, EpochMetrics& metrics) {
  for (int64_t left = batches; left > 0 && !stopped_; --left) {
    TERSOR_RETURN_IF_ERROR(RunStep(metrics));
    progress.Advance(options_.batch_size);
    if (left % 8 == 0) {
      const auto seen = static_cast<double>(state_.seen);
      char note[64];
      const int length = std::snprintf(note, sizeof(note), "loss %.4f", state_.loss_sum / seen);
      if (step_.counting != nullptr) {
        std::snprintf(note + length, sizeof(note) - static_cast<size_t>(length),
                      "  accuracy %.2f %%", 100 * static_cast<double>(state_.correct) / seen);
      }
      progress.SetNote(note);
    }
    const bool due = options_.checkpoint_steps > 0 && state_.step % options_.checkpoint_steps == 0;
    if (due && left > 1) TERSOR_RETURN_IF_ERROR(Save());
    if (left > 1 && options_.stop != nullptr && *options_.stop) return Stop();
    stopped_ = options_.stop_after_steps > 0 && state_.step >= options_.stop_after_steps;
  }
  return OkStatus();
}

Status Trainer::RunEpoch(EpochMetrics& metrics) {
  const auto begin = Clock::now();
  const int64_t batches = (state_.epoch + 1) * batcher_->batches_per_epoch() - state_.step;
  const int64_t examples = batches * options_.batch_size;
  {
    Progress progress(StrCat("epoch ", state_.epoch + 1, '/', options_.epochs), examples, "images");
    TERSOR_RETURN_IF_ERROR(RunSteps(progress, batches, metrics));
    progress.Finish();
  }
  if (stopped_) return OkStatus();
  metrics.images_per_second = static_cast<double>(examples) / std::max(1e-9, SecondsSince(begin));
  metrics.loss = state_.loss_sum / static_cast<double>(state_.seen);
  metrics.accuracy = static_cast<double>(state_.correct) / static_cast<double>(state_.seen);
  ++state_.epoch;
  state_.loss_sum = 0;
  state_.correct = state_.seen = 0;
  metrics.epoch = state_.epoch;
  metrics.epochs = options_.epochs;
  if (validation_) TERSOR_RETURN_IF_ERROR(validation_->Run(metrics));
  for (StepHook* hook : hooks_) TERSOR_RETURN_IF_ERROR(hook->AfterEpoch(metrics));
  metrics.seconds = SecondsSince(begin);
  return Save();
}

Result<std::vector<EpochMetrics>> Trainer::Run() {
  TERSOR_RETURN_IF_ERROR(CheckRun(options_));
  TERSOR_RETURN_IF_ERROR(MakeStep());
  TERSOR_RETURN_IF_ERROR(MakeBatches());
  const int64_t steps = options_.epochs * batcher_->batches_per_epoch();
  schedule_ = std::make_unique<Schedule>(options_.schedule, steps);
  hooks_ = {schedule_.get()};
  hooks_.insert(hooks_.end(), options_.hooks.begin(), options_.hooks.end());
  TERSOR_RETURN_IF_ERROR(Resume());
  if (validation_set_.size() > 0) {
    measure::EvaluatorOptions evaluation;
    evaluation.normalize = options_.normalize;
    evaluation.threads = options_.threads;
    TERSOR_ASSIGN_OR_RETURN(
        auto validation,
        Validation::Create(model_, spec_, step_, validation_set_, feed_.field_names, evaluation));
    validation_.emplace(std::move(validation));
  }
  variables_ = std::make_unique<StepVariables>(step_.graph);
  TERSOR_ASSIGN_OR_RETURN(shards_, Shards::Create(step_, {.batch_size = options_.batch_size,
                                                          .threads = options_.threads,
                                                          .collective = options_.collective,
                                                          .backend = options_.backend,
                                                          .fields = feed_.inputs}));
  std::vector<std::vector<Tensor>> ring(3);  // one is in use while the others are filled
  for (std::vector<Tensor>& buffer : ring) {
    TERSOR_ASSIGN_OR_RETURN(buffer, batcher_->Allocate());
  }
  stream_ = std::make_unique<data::BatchStream>(
      *batcher_, std::move(ring), 1, state_.epoch,
      state_.step - state_.epoch * batcher_->batches_per_epoch());
  std::vector<EpochMetrics> history;
  while (state_.epoch < options_.epochs) {
    EpochMetrics metrics;
    TERSOR_RETURN_IF_ERROR(RunEpoch(metrics));
    if (stopped_) break;
    history.push_back(metrics);
    if (options_.on_epoch) TERSOR_RETURN_IF_ERROR(options_.on_epoch(metrics));
    if (state_.epoch < options_.epochs && options_.stop != nullptr && *options_.stop) return Stop();
  }
  TERSOR_RETURN_IF_ERROR(CopyVariables(step_.graph, model_, true));
  return history;
}

}  // namespace

Result<std::vector<EpochMetrics>> Train(ir::Graph& model, const data::Dataset& train,
                                        const data::Dataset& validation,
                                        const TrainerOptions& options) {
  return Trainer(model, train, validation, options).Run();
}

}  // namespace tersor::training
