#include "tersor/training/shards.h"

#include <algorithm>

#include "tersor/base/threads.h"
#include "tersor/kernels/thread_collective.h"

namespace tersor::training {
namespace {

// What the trainer makes for each step; all shards read it.
struct Scalars {
  float learning_rate = 0, step_number = 0;
  int64_t counter = 0;
  std::vector<float> example_weights;

  // The data of the input of this name, or null: it comes from the batch.
  const void* Find(std::string_view name) const {
    if (name == kExampleWeights) return example_weights.data();
    if (name == kLearningRate) return &learning_rate;
    if (name == kStepNumber) return &step_number;
    return name == kCounter ? &counter : nullptr;
  }
};

// One shard: a program over its part of the batch, with the sums of what it saw.
class Shard {
 public:
  static Result<std::unique_ptr<Shard>> Create(const TrainingStep& step,
                                               const ShardsOptions& options, int number,
                                               kernels::Collective* collective,
                                               const Scalars& scalars) {
    runtime::CompileOptions compile;
    compile.batch = options.batch_size / options.threads;
    compile.shards = collective;
    compile.shard = number;
    compile.first_example = number * compile.batch;
    const runtime::Backend& backend =
        options.backend != nullptr ? *options.backend : runtime::CpuBackend();
    TERSOR_ASSIGN_OR_RETURN(auto program, backend.Compile(step.graph, compile));
    auto shard = std::unique_ptr<Shard>(new Shard(step, std::move(program)));
    shard->first_ = compile.first_example;
    TERSOR_RETURN_IF_ERROR(shard->Bind(options.fields, scalars));
    return shard;
  }

  Status Run(std::span<const ConstTensorView> batch) {
    for (const Field& field : fields_) {
      inputs_[field.input].data = batch[field.place].as<std::byte>() + first_ * field.example_bytes;
    }
    TERSOR_RETURN_IF_ERROR(program_->Run(inputs_, outputs_));
    const auto loss = loss_.values<float>();
    result = {};
    for (const float value : loss) result.loss_sum += value;
    if (step_.counting != nullptr) {
      result.correct = step_.counting->count_correct(prediction_.view(), inputs_[counted_]);
    }
    return OkStatus();
  }

  StepResult result;

 private:
  // An input of the program that is a part of a tensor of the batch.
  struct Field {
    size_t input, place;
    int64_t example_bytes;
  };

  Shard(const TrainingStep& step, std::unique_ptr<runtime::Program> program)
      : step_(step), program_(std::move(program)) {}

  Status Bind(std::span<const std::string> fields, const Scalars& scalars) {
    const auto& types = program_->input_types();
    inputs_.resize(types.size());
    for (const auto& [name, place] : step_.inputs) {
      const auto input = static_cast<size_t>(place);
      inputs_[input] = {&types[input], scalars.Find(name)};
      if (inputs_[input].data != nullptr) continue;
      const auto field = std::find(fields.begin(), fields.end(), name);
      if (field == fields.end()) {
        return InvalidArgument("input '", name, "' of the training step is no field of the data");
      }
      fields_.push_back({input, static_cast<size_t>(field - fields.begin()),
                         types[input].size_bytes() / types[input].shape[0]});
      if (name == step_.counted_target) counted_ = input;
    }
    const auto& results = program_->output_types();
    outputs_.resize(results.size());
    for (const auto& [name, place] : step_.outputs) {
      const auto output = static_cast<size_t>(place);
      Tensor& tensor = name == kLossOutput ? loss_ : prediction_;
      TERSOR_ASSIGN_OR_RETURN(tensor, Tensor::Create(results[output]));
      outputs_[output] = tensor.mutable_view();
    }
    return OkStatus();
  }

  const TrainingStep& step_;
  std::unique_ptr<runtime::Program> program_;
  int64_t first_ = 0;
  std::vector<Field> fields_;
  std::vector<ConstTensorView> inputs_;
  std::vector<TensorView> outputs_;
  size_t counted_ = 0;
  Tensor loss_, prediction_;
};

}  // namespace

struct Shards::Impl {
  ShardsOptions options;
  std::unique_ptr<kernels::Collective> own_collective;
  kernels::Collective* collective = nullptr;
  Scalars scalars;
  std::vector<std::unique_ptr<Shard>> shards;
  std::vector<Status> statuses;  // of the step that runs, by shard
  std::span<const ConstTensorView> batch;
  bool stop = false;
  ThreadGroup others;

  // What the thread of shard `number` does: a barrier begins a step, another one ends it.
  void Serve(size_t number) {
    for (;;) {
      collective->Barrier();
      if (stop) return;
      statuses[number] = shards[number]->Run(batch);
      collective->Barrier();
    }
  }
};

Shards::Shards(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Shards>> Shards::Create(const TrainingStep& step,
                                               const ShardsOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  const int count = options.threads;
  if (count < 1 || options.batch_size < 1 || options.batch_size % count != 0) {
    return InvalidArgument("batch size ", options.batch_size, " is not divisible by ", count,
                           " threads");
  }
  impl->collective = options.collective;
  if (impl->collective == nullptr) {
    impl->own_collective = std::make_unique<kernels::ThreadCollective>(count);
    impl->collective = impl->own_collective.get();
  }
  if (impl->collective->size() != count) {
    return InvalidArgument("the collective has ", impl->collective->size(), " shards, the step ",
                           count);
  }
  impl->scalars.example_weights.assign(static_cast<size_t>(options.batch_size / count),
                                       1.0f / static_cast<float>(options.batch_size));
  impl->statuses.resize(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    TERSOR_ASSIGN_OR_RETURN(auto shard,
                            Shard::Create(step, options, i, impl->collective, impl->scalars));
    impl->shards.push_back(std::move(shard));
  }
  if (count > 1) {
    Impl* raw = impl.get();
    TERSOR_ASSIGN_OR_RETURN(impl->others, ThreadGroup::Start(count - 1, [raw](int i) {
                              raw->Serve(static_cast<size_t>(i) + 1);
                            }));
  }
  return std::unique_ptr<Shards>(new Shards(std::move(impl)));
}

Shards::~Shards() {
  if (impl_->shards.size() == 1) return;
  impl_->stop = true;
  impl_->collective->Barrier();
  impl_->others.Join();
}

Result<StepResult> Shards::Run(std::span<const ConstTensorView> batch, double learning_rate,
                               int64_t step) {
  impl_->batch = batch;
  impl_->scalars.learning_rate = static_cast<float>(learning_rate);
  impl_->scalars.step_number = static_cast<float>(step + 1);
  impl_->scalars.counter = step;
  impl_->collective->Barrier();
  impl_->statuses[0] = impl_->shards[0]->Run(batch);
  impl_->collective->Barrier();
  StepResult total;
  for (size_t i = 0; i < impl_->shards.size(); ++i) {
    TERSOR_RETURN_IF_ERROR(impl_->statuses[i]);
    total.loss_sum += impl_->shards[i]->result.loss_sum;
    total.correct += impl_->shards[i]->result.correct;
  }
  return total;
}

}  // namespace tersor::training
