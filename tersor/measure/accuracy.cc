#include "tersor/measure/accuracy.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "tersor/runtime/executable.h"
#include "tersor/transforms/pass.h"

namespace tersor::measure {
namespace {

constexpr int kTop = 5;

// Index of the largest element, and how many are larger than (or equal to, and before) element
// `label`.
template <typename T>
void Rank(const T* row, int64_t classes, int64_t label, int64_t* best, int64_t* rank) {
  *best = std::max_element(row, row + classes) - row;
  *rank = 0;
  for (int64_t c = 0; c < classes; ++c) {
    if (row[c] > row[label] || (row[c] == row[label] && c < label)) ++*rank;
  }
}

Status CheckModel(const ir::Graph& model, const data::Dataset& dataset) {
  if (model.inputs().size() != 1 || model.outputs().size() != 1) {
    return InvalidArgument("a classifier has one input and one output, the model has ",
                           model.inputs().size(), " and ", model.outputs().size());
  }
  const TensorType& output = model.value(model.outputs()[0]).type();
  const bool known =
      output.dtype == DType::kF32 || output.dtype == DType::kI8 || output.dtype == DType::kU8;
  if (output.shape.rank() != 2 || !known) {
    return InvalidArgument("the output of a classifier is f32, i8 or u8 [N,classes], found ",
                           output.ToString());
  }
  if (dataset.labels.empty()) {
    return InvalidArgument("data set ", dataset.name, " has no labels");
  }
  const int32_t largest = *std::max_element(dataset.labels.begin(), dataset.labels.end());
  if (largest >= output.shape[1]) {
    return InvalidArgument("data set ", dataset.name, " has label ", largest, ", the model has ",
                           output.shape[1], " classes");
  }
  return OkStatus();
}

// One thread's executable with its buffers.
struct Worker {
  runtime::Executable executable;
  Tensor input, output;
  Accuracy part;
  Status status;
};

Result<Worker> MakeWorker(const ir::Graph& model, int64_t batch, const AccuracyOptions& options) {
  runtime::CompileOptions compile;
  compile.batch = batch;
  compile.cpu = options.cpu;
  TERSOR_ASSIGN_OR_RETURN(auto executable, runtime::Compile(model, compile));
  TERSOR_ASSIGN_OR_RETURN(Tensor input, Tensor::Create(executable.input_types()[0]));
  TERSOR_ASSIGN_OR_RETURN(Tensor output, Tensor::Create(executable.output_types()[0]));
  return Worker{std::move(executable), std::move(input), std::move(output), {}, {}};
}

}  // namespace

Result<Accuracy> MeasureAccuracy(const ir::Graph& model, const data::Dataset& dataset,
                                 const AccuracyOptions& options) {
  TERSOR_RETURN_IF_ERROR(CheckModel(model, dataset));
  ir::Graph prepared = model.Clone();
  if (options.prepare) {
    TERSOR_ASSIGN_OR_RETURN(prepared, transforms::PrepareForInference(model));
  }
  const TensorType& input_type = prepared.value(prepared.inputs()[0]).type();
  const int64_t batch = input_type.shape.HasBatch() ? options.batch : input_type.shape[0];
  TERSOR_ASSIGN_OR_RETURN(
      auto encoder,
      data::InputEncoder::Create(input_type, dataset.examples.type(), options.normalize));
  const int64_t count = dataset.size(), batches = (count + batch - 1) / batch;
  const int threads =
      static_cast<int>(std::clamp<int64_t>(options.threads, 1, std::max<int64_t>(batches, 1)));
  std::vector<Worker> workers;
  for (int i = 0; i < threads; ++i) {
    TERSOR_ASSIGN_OR_RETURN(Worker worker, MakeWorker(prepared, batch, options));
    workers.push_back(std::move(worker));
  }

  Accuracy total;
  total.count = count;
  total.predictions.resize(static_cast<size_t>(count));
  const int64_t classes = prepared.value(prepared.outputs()[0]).type().shape[1];
  total.class_count.assign(static_cast<size_t>(classes), 0);
  total.class_correct.assign(static_cast<size_t>(classes), 0);
  for (Worker& worker : workers) worker.part.class_correct = total.class_correct;

  std::atomic<int64_t> next{0};
  const auto* examples = static_cast<const std::byte*>(dataset.examples.view().data);
  auto work = [&](Worker& worker) {
    const ConstTensorView input = worker.input.view();
    const TensorView output = worker.output.mutable_view();
    for (;;) {
      const int64_t index = next.fetch_add(1);
      if (index >= batches) return;
      const int64_t first = index * batch, here = std::min(batch, count - first);
      encoder.Encode(examples + first * encoder.example_bytes(), here,
                     worker.input.mutable_view().data);
      worker.status = worker.executable.Run({&input, 1}, {&output, 1});
      if (!worker.status.ok()) return;
      for (int64_t i = 0; i < here; ++i) {
        const auto example = static_cast<size_t>(first + i);
        const int64_t label = dataset.labels[example];
        int64_t best = 0, rank = 0;
        switch (output.dtype()) {
          case DType::kF32:
            Rank(output.as<float>() + i * classes, classes, label, &best, &rank);
            break;
          case DType::kI8:
            Rank(output.as<int8_t>() + i * classes, classes, label, &best, &rank);
            break;
          default:
            Rank(output.as<uint8_t>() + i * classes, classes, label, &best, &rank);
        }
        total.predictions[example] = static_cast<int32_t>(best);
        worker.part.correct += best == label;
        worker.part.correct5 += rank < kTop;
        worker.part.class_correct[static_cast<size_t>(label)] += best == label;
      }
      if (options.progress && index % 16 == 0) {
        options.progress(static_cast<double>(index) / static_cast<double>(batches));
      }
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) {
    others.emplace_back([&, i] { work(workers[static_cast<size_t>(i)]); });
  }
  work(workers[0]);
  for (std::thread& other : others) other.join();

  for (const Worker& worker : workers) {
    TERSOR_RETURN_IF_ERROR(worker.status);
    total.correct += worker.part.correct;
    total.correct5 += worker.part.correct5;
    for (size_t c = 0; c < total.class_correct.size(); ++c) {
      total.class_correct[c] += worker.part.class_correct[c];
    }
  }
  for (int32_t label : dataset.labels) ++total.class_count[static_cast<size_t>(label)];
  return total;
}

}  // namespace tersor::measure
