#include "tersor/measure/evaluator.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "tersor/base/threads.h"
#include "tersor/data/batcher.h"
#include "tersor/data/parallel.h"

namespace tersor::measure {
namespace {

constexpr int64_t kBatchesPerProgress = 8;

/// The program of one thread, with the memory of its batch.
struct Worker {
  std::unique_ptr<runtime::Program> program;
  std::vector<Tensor> outputs;
  std::vector<Tensor> fields;  ///< as data::Batcher fills them: those of the inputs, then the label
};

Result<Worker> MakeWorker(const ir::Graph& model, int64_t batch, const EvaluatorOptions& options) {
  runtime::CompileOptions compile;
  compile.batch = batch;
  compile.cpu = options.cpu;
  TERSOR_ASSIGN_OR_RETURN(auto program, options.backend->Compile(model, compile));
  std::vector<Tensor> outputs;
  for (const TensorType& type : program->output_types()) {
    TERSOR_ASSIGN_OR_RETURN(Tensor output, Tensor::Create(type));
    outputs.push_back(std::move(output));
  }
  return Worker{std::move(program), std::move(outputs), {}};
}

/// The model's inputs with the types of one example.
std::vector<data::Field> InputFields(const ir::Graph& model) {
  std::vector<data::Field> fields;
  for (ir::ValueId id : model.inputs()) {
    const ir::Value& input = model.value(id);
    fields.push_back({input.name(), data::ExampleOf(input.type())});
  }
  return fields;
}

}  // namespace

struct Evaluator::Impl {
  ir::Graph model;
  EvaluatorOptions options;
  int64_t batch = 1;
  std::vector<Worker> workers;

  Result<data::Batcher> MakeBatcher(const data::Dataset& dataset) const;
  Status RunBatch(const data::Batcher& batcher, int64_t index, int number,
                  const Observer& observer);
};

/// Batches of the model's inputs and, where the set has it, the label behind them.
Result<data::Batcher> Evaluator::Impl::MakeBatcher(const data::Dataset& dataset) const {
  TERSOR_ASSIGN_OR_RETURN(auto wanted, data::BindInputs(dataset, InputFields(model)));
  const data::Field* label = dataset.label();
  if (label != nullptr && data::FindField(wanted, label->name) < 0) wanted.push_back(*label);
  data::BatcherOptions batching;
  batching.batch_size = batch;
  batching.shuffle = false;
  batching.drop_remainder = false;
  batching.fill_remainder = true;
  batching.normalize = options.normalize;
  return data::Batcher::Create(dataset, batching, std::move(wanted));
}

Status Evaluator::Impl::RunBatch(const data::Batcher& batcher, int64_t index, int number,
                                 const Observer& observer) {
  Worker& worker = workers[static_cast<size_t>(number)];
  TERSOR_RETURN_IF_ERROR(batcher.Fill(0, index, worker.fields));
  const size_t inputs = model.inputs().size();
  std::vector<ConstTensorView> in;
  for (size_t i = 0; i < inputs; ++i) in.push_back(worker.fields[i].view());
  std::vector<TensorView> out;
  for (Tensor& output : worker.outputs) out.push_back(output.mutable_view());
  TERSOR_RETURN_IF_ERROR(worker.program->Run(in, out));
  EvaluatedBatch evaluated;
  evaluated.index = index;
  evaluated.first = index * batch;
  evaluated.count = batcher.BatchCount(index);
  evaluated.inputs = std::span(worker.fields).first(inputs);
  const int label = data::FindField(batcher.fields(), data::kLabelField);
  if (label >= 0) evaluated.label = &worker.fields[static_cast<size_t>(label)];
  evaluated.outputs = worker.outputs;
  return observer(evaluated, number);
}

Result<Evaluator> Evaluator::Create(const ir::Graph& model, const EvaluatorOptions& options) {
  if (model.inputs().empty()) return InvalidArgument("the model has no input");
  const Shape& first = model.value(model.inputs()[0]).type().shape;
  for (ir::ValueId id : model.inputs()) {
    const ir::Value& input = model.value(id);
    const Shape& shape = input.type().shape;
    if (shape.rank() >= 1 && shape[0] == first[0]) continue;
    return InvalidArgument("the model's input '", input.name(), "' is ", input.type().ToString(),
                           ", expected examples along the first axis, as many as in each input");
  }
  auto impl = std::make_unique<Impl>();
  impl->model = model.Clone();
  impl->options = options;
  impl->options.threads = std::clamp(options.threads, 1, kMaxThreads);
  impl->batch = first.HasBatch() ? std::max<int64_t>(options.batch, 1) : first[0];
  return Evaluator(std::move(impl));
}

Evaluator::Evaluator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator& Evaluator::operator=(Evaluator&&) noexcept = default;
Evaluator::~Evaluator() = default;

const ir::Graph& Evaluator::model() const { return impl_->model; }
int Evaluator::threads() const { return impl_->options.threads; }
int64_t Evaluator::batch() const { return impl_->batch; }

int64_t Evaluator::BatchesOf(const data::Dataset& dataset) const {
  return (dataset.size() + impl_->batch - 1) / impl_->batch;
}

Status Evaluator::Run(const data::Dataset& dataset, const Observer& observer,
                      const std::function<void(double)>& progress) {
  TERSOR_ASSIGN_OR_RETURN(const data::Batcher batcher, impl_->MakeBatcher(dataset));
  const int64_t batches = batcher.batches_per_epoch();
  const auto threads = static_cast<int>(std::min<int64_t>(impl_->options.threads, batches));
  std::vector<Worker>& workers = impl_->workers;
  while (static_cast<int>(workers.size()) < threads) {
    TERSOR_ASSIGN_OR_RETURN(Worker worker, MakeWorker(impl_->model, impl_->batch, impl_->options));
    workers.push_back(std::move(worker));
  }
  for (int i = 0; i < threads; ++i) {
    TERSOR_ASSIGN_OR_RETURN(workers[static_cast<size_t>(i)].fields, batcher.Allocate());
  }
  std::atomic<int64_t> done{0};
  return data::ForEachWithWorker(batches, threads, [&](int64_t index, int worker) -> Status {
    TERSOR_RETURN_IF_ERROR(impl_->RunBatch(batcher, index, worker, observer));
    const int64_t finished = ++done;
    if (progress && finished % kBatchesPerProgress == 0) {
      progress(static_cast<double>(finished) / static_cast<double>(batches));
    }
    return OkStatus();
  });
}

}  // namespace tersor::measure
