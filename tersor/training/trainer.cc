#include "tersor/training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <memory>

#include "tersor/base/file.h"
#include "tersor/base/progress.h"
#include "tersor/base/threads.h"
#include "tersor/data/batcher.h"
#include "tersor/kernels/thread_collective.h"
#include "tersor/measure/accuracy.h"
#include "tersor/runtime/executable.h"
#include "tersor/training/checkpoint.h"
#include "tersor/training/fingerprint.h"

namespace tersor::training {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// One shard: an executable over its part of the batch, with the sums of what it saw.
class Shard {
 public:
  static Result<std::unique_ptr<Shard>> Create(const TrainingStep& step, int number,
                                               kernels::Collective* group, int64_t examples,
                                               int64_t example_elements) {
    runtime::CompileOptions compile;
    compile.batch = examples;
    compile.shards = group;
    compile.shard = number;
    compile.first_example = number * examples;
    TERSOR_ASSIGN_OR_RETURN(auto executable, runtime::Compile(step.graph, compile));
    auto shard = std::unique_ptr<Shard>(new Shard(std::move(executable)));
    shard->examples_ = examples;
    shard->first_ = number * examples;
    shard->example_elements_ = example_elements;
    const auto& types = shard->executable_.output_types();
    TERSOR_ASSIGN_OR_RETURN(shard->loss_, Tensor::Create(types[0]));
    TERSOR_ASSIGN_OR_RETURN(shard->logits_, Tensor::Create(types[1]));
    return shard;
  }

  // Trains on this shard's part of a batch. `scalars` are the inputs after the labels, shared by
  // all shards.
  Status Run(const float* examples, const int32_t* all_labels,
             std::span<const ConstTensorView> scalars, const ConstTensorView& weights) {
    const auto& types = executable_.input_types();
    const int32_t* labels = all_labels + first_;
    const ConstTensorView inputs[] = {{&types[0], examples + first_ * example_elements_},
                                      {&types[1], labels},
                                      {&types[2], weights.data},
                                      scalars[0],
                                      scalars[1],
                                      scalars[2]};
    const TensorView outputs[] = {loss_.mutable_view(), logits_.mutable_view()};
    TERSOR_RETURN_IF_ERROR(executable_.Run(inputs, outputs));
    const auto loss = loss_.values<float>(), logits = logits_.values<float>();
    const auto classes = static_cast<size_t>(logits_.type().shape[1]);
    loss_sum = 0;
    correct = 0;
    for (size_t i = 0; i < static_cast<size_t>(examples_); ++i) {
      loss_sum += loss[i];
      const float* row = logits.data() + i * classes;
      correct += std::max_element(row, row + classes) - row == labels[i];
    }
    return OkStatus();
  }

  double loss_sum = 0;
  int64_t correct = 0;

 private:
  explicit Shard(runtime::Executable executable) : executable_(std::move(executable)) {}

  runtime::Executable executable_;
  int64_t examples_ = 0, first_ = 0, example_elements_ = 0;
  Tensor loss_, logits_;
};

class Trainer {
 public:
  Trainer(ir::Graph& model, const data::Dataset& train, const data::Dataset& validation,
          const TrainerOptions& options)
      : model_(model), train_(train), validation_(validation), options_(options) {}

  Result<std::vector<EpochMetrics>> Run();

 private:
  Status Check() const;
  // Of the two fields of the set, the one that is no label.
  size_t InputField() const { return train_.fields()[0].name == data::kLabelField ? 1 : 0; }
  Status MakeShards();
  Status TrainEpoch(EpochMetrics* metrics);
  Status RunSteps(int64_t first_batch, Progress& progress);
  Status Validate(EpochMetrics* metrics);
  Status Save();

  ir::Graph& model_;
  const data::Dataset& train_;
  const data::Dataset& validation_;
  const TrainerOptions& options_;
  TrainingStep step_;
  std::unique_ptr<data::Batcher> batcher_;
  std::unique_ptr<kernels::Collective> group_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<Schedule> schedule_;
  std::string fingerprint_;
  CheckpointState state_;
  bool stopped_ = false;
};

Status Trainer::Check() const {
  TERSOR_RETURN_IF_ERROR(CheckOptions(options_));
  TERSOR_RETURN_IF_ERROR(CheckThreadCount(options_.threads));
  if (options_.batch_size % options_.threads != 0) {
    return InvalidArgument("batch size ", options_.batch_size, " is not divisible by ",
                           options_.threads, " threads");
  }
  if (train_.label() == nullptr) {
    return InvalidArgument("data set ", train_.name, " has no labels");
  }
  const data::Field* examples = train_.only_input();
  if (examples == nullptr || !data::IsClassNumber(*train_.label())) {
    return InvalidArgument("training needs a set of one field and class numbers as labels, ",
                           train_.name, " has others");
  }
  if (model_.inputs().size() != 1) {
    return InvalidArgument("training needs a model with one input, found ", model_.inputs().size());
  }
  const TensorType& input = model_.value(model_.inputs()[0]).type();
  std::vector<int64_t> dims = examples->type.shape.dims();
  dims.insert(dims.begin(), kBatch);
  const Shape shape(std::move(dims));
  if (input.dtype != DType::kF32 || input.shape != shape) {
    return InvalidArgument("the model's input is ", input.ToString(), ", the examples of ",
                           train_.name, " are ", shape.ToString());
  }
  return OkStatus();
}

Status Trainer::MakeShards() {
  group_ = std::make_unique<kernels::ThreadCollective>(options_.threads);
  for (int i = 0; i < options_.threads; ++i) {
    TERSOR_ASSIGN_OR_RETURN(
        auto shard, Shard::Create(step_, i, group_.get(), options_.batch_size / options_.threads,
                                  batcher_->fields()[InputField()].type.shape.num_elements()));
    shards_.push_back(std::move(shard));
  }
  return OkStatus();
}

// The steps of the epoch from `first_batch` on. Shard 0 is this thread; the others live for this
// call.
Status Trainer::RunSteps(int64_t first_batch, Progress& progress) {
  const int64_t batches = batcher_->batches_per_epoch();
  constexpr size_t kRing = 3;
  std::vector<std::vector<Tensor>> ring(kRing);
  for (std::vector<Tensor>& buffer : ring) {
    TERSOR_ASSIGN_OR_RETURN(buffer, batcher_->Allocate());
  }
  data::BatchStream stream(*batcher_, ring, 1, state_.epoch, first_batch);

  const TensorType scalar_f32{DType::kF32, {}, {}}, scalar_i64{DType::kI64, {}, {}};
  float learning_rate = 0, step_number = 0;
  int64_t counter = 0;
  const ConstTensorView scalars[] = {
      {&scalar_f32, &learning_rate}, {&scalar_f32, &step_number}, {&scalar_i64, &counter}};
  const std::vector<float> weight_values(
      static_cast<size_t>(options_.batch_size / options_.threads),
      1.0f / static_cast<float>(options_.batch_size));
  const ConstTensorView weights{nullptr, weight_values.data()};

  const float* examples = nullptr;
  const int32_t* labels = nullptr;
  bool stop = false;
  std::vector<Status> statuses(shards_.size());
  TERSOR_ASSIGN_OR_RETURN(ThreadGroup others, ThreadGroup::Start(options_.threads - 1, [&](int i) {
                            const auto shard = static_cast<size_t>(i) + 1;
                            for (;;) {
                              group_->Barrier();  // a batch is there
                              if (stop) return;
                              statuses[shard] =
                                  shards_[shard]->Run(examples, labels, scalars, weights);
                              group_->Barrier();  // everybody has updated
                            }
                          }));
  Status status;
  for (int64_t batch = first_batch; batch < batches && status.ok() && !stopped_; ++batch) {
    auto current = stream.Next();
    if (!current.ok()) {
      status = current.status();
      break;
    }
    examples = current->tensors[InputField()].values<float>().data();
    labels = current->tensors[1 - InputField()].values<int32_t>().data();
    learning_rate = static_cast<float>(schedule_->RateAt(state_.step));
    step_number = static_cast<float>(state_.step + 1);
    counter = state_.step;
    group_->Barrier();
    statuses[0] = shards_[0]->Run(examples, labels, scalars, weights);
    group_->Barrier();
    for (size_t i = 0; i < shards_.size(); ++i) {
      if (!statuses[i].ok()) status = statuses[i];
      state_.loss_sum += shards_[i]->loss_sum;
      state_.correct += shards_[i]->correct;
    }
    ++state_.step;
    state_.seen += options_.batch_size;
    if (status.ok() && !std::isfinite(state_.loss_sum)) {
      status = FailedPrecondition("step ", state_.step,
                                  ": the loss is not finite; a lower learning rate may help");
    }
    progress.Advance(options_.batch_size);
    if (batch % 8 == 0) {
      const auto seen = static_cast<double>(state_.seen);
      char note[64];
      std::snprintf(note, sizeof(note), "loss %.4f  accuracy %.2f %%", state_.loss_sum / seen,
                    100 * static_cast<double>(state_.correct) / seen);
      progress.SetNote(note);
    }
    const bool due = options_.checkpoint_steps > 0 && state_.step % options_.checkpoint_steps == 0;
    if (status.ok() && due && batch + 1 < batches) status = Save();
    stopped_ = options_.stop_after_steps > 0 && state_.step >= options_.stop_after_steps;
  }
  stop = true;
  group_->Barrier();
  others.Join();
  return status;
}

Status Trainer::Validate(EpochMetrics* metrics) {
  if (validation_.size() == 0) return OkStatus();
  TERSOR_RETURN_IF_ERROR(CopyVariables(step_.graph, model_, true));
  measure::AccuracyOptions options;
  options.normalize = options_.normalize;
  options.threads = options_.threads;
  TERSOR_ASSIGN_OR_RETURN(auto accuracy, measure::MeasureAccuracy(model_, validation_, options));
  metrics->validation_accuracy = accuracy.top1();
  return OkStatus();
}

Status Trainer::Save() {
  if (options_.checkpoint_path.empty()) return OkStatus();
  state_.schedule = schedule_->Save();
  state_.fingerprint = fingerprint_;
  return SaveCheckpoint(options_.checkpoint_path, step_.graph, state_);
}

Status Trainer::TrainEpoch(EpochMetrics* metrics) {
  const auto begin = Clock::now();
  const int64_t batches = batcher_->batches_per_epoch();
  const int64_t first_batch = state_.step - state_.epoch * batches;
  {
    Progress progress(StrCat("epoch ", state_.epoch + 1, '/', options_.epochs),
                      (batches - first_batch) * options_.batch_size, "images");
    TERSOR_RETURN_IF_ERROR(RunSteps(first_batch, progress));
    progress.Finish();
  }
  if (stopped_) return OkStatus();
  metrics->images_per_second = static_cast<double>((batches - first_batch) * options_.batch_size) /
                               std::max(1e-9, SecondsSince(begin));
  metrics->loss = state_.loss_sum / static_cast<double>(state_.seen);
  metrics->accuracy = static_cast<double>(state_.correct) / static_cast<double>(state_.seen);
  metrics->learning_rate = schedule_->RateAt(state_.step - 1);
  ++state_.epoch;
  state_.loss_sum = 0;
  state_.correct = state_.seen = 0;
  TERSOR_RETURN_IF_ERROR(Validate(metrics));
  schedule_->EndEpoch(validation_.size() > 0 ? 1 - metrics->validation_accuracy : metrics->loss);
  metrics->epoch = state_.epoch;
  metrics->epochs = options_.epochs;
  metrics->seconds = SecondsSince(begin);
  return Save();
}

Result<std::vector<EpochMetrics>> Trainer::Run() {
  TERSOR_RETURN_IF_ERROR(Check());
  data::BatcherOptions batching;
  batching.batch_size = options_.batch_size;
  batching.seed = options_.seed;
  batching.normalize = options_.normalize;
  batching.augment = options_.augment;
  TERSOR_ASSIGN_OR_RETURN(auto batcher, data::Batcher::Create(train_, batching));
  batcher_ = std::make_unique<data::Batcher>(std::move(batcher));
  schedule_ = std::make_unique<Schedule>(options_.schedule,
                                         options_.epochs * batcher_->batches_per_epoch());
  if (!options_.checkpoint_path.empty()) {
    TERSOR_ASSIGN_OR_RETURN(fingerprint_, RunFingerprint(options_, train_, validation_));
  }
  TERSOR_ASSIGN_OR_RETURN(step_, MakeTrainingStep(model_, options_.step));
  const bool resumes =
      options_.resume && !options_.checkpoint_path.empty() && FileExists(options_.checkpoint_path);
  if (resumes) {
    TERSOR_ASSIGN_OR_RETURN(state_,
                            LoadCheckpoint(options_.checkpoint_path, fingerprint_, step_.graph));
    TERSOR_RETURN_IF_ERROR(schedule_->Restore(state_.schedule));
  }
  TERSOR_RETURN_IF_ERROR(MakeShards());
  std::vector<EpochMetrics> history;
  while (state_.epoch < options_.epochs && !stopped_) {
    EpochMetrics metrics;
    TERSOR_RETURN_IF_ERROR(TrainEpoch(&metrics));
    if (stopped_) break;
    history.push_back(metrics);
    if (options_.on_epoch) TERSOR_RETURN_IF_ERROR(options_.on_epoch(metrics));
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
