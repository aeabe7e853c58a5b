#include "tersor/compression/quantization/calibration.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "tersor/compression/quantization/prepare.h"
#include "tersor/ir/text.h"
#include "tersor/runtime/executable.h"
#include "tersor/transforms/constants.h"

namespace tersor::compression {
namespace {

using ir::ValueId;

// Results whose elements are those of an operand: they need no histogram of their own.
bool MovesElements(ir::OpKind op) {
  return op == ir::OpKind::kReshape || op == ir::OpKind::kTranspose ||
         op == ir::OpKind::kBroadcastTo;
}

std::vector<ValueId> ObservedResults(const ir::Graph& graph) {
  std::vector<ValueId> observed;
  for (const auto& node : graph.nodes()) {
    if (MovesElements(node->op())) continue;
    for (ValueId id : node->results()) {
      if (graph.value(id).type().dtype == DType::kF32) observed.push_back(id);
    }
  }
  return observed;
}

// One thread's executable, its buffers and what it has seen.
struct Worker {
  runtime::Executable executable;
  Tensor input;
  std::vector<Tensor> outputs;
  std::vector<Histogram> seen;  // of the input, then of the observed results
  Status status;
};

Result<Worker> MakeWorker(const ir::Graph& observing, int64_t batch) {
  runtime::CompileOptions options;
  options.batch = batch;
  TERSOR_ASSIGN_OR_RETURN(auto executable, runtime::Compile(observing, options));
  TERSOR_ASSIGN_OR_RETURN(Tensor input, Tensor::Create(executable.input_types()[0]));
  std::vector<Tensor> outputs;
  for (const TensorType& type : executable.output_types()) {
    TERSOR_ASSIGN_OR_RETURN(Tensor output, Tensor::Create(type));
    outputs.push_back(std::move(output));
  }
  std::vector<Histogram> seen(outputs.size() + 1);
  return Worker{std::move(executable), std::move(input), std::move(outputs), std::move(seen), {}};
}

// The elements of the first `count` examples.
std::span<const float> Rows(const Tensor& tensor, int64_t count) {
  const Shape& shape = tensor.type().shape;
  const auto values = tensor.values<float>();
  if (shape.rank() == 0) return values;
  return values.first(values.size() / static_cast<size_t>(shape[0]) * static_cast<size_t>(count));
}

Status RunBatch(Worker& worker, std::span<const TensorView> outputs, int64_t count, bool whole,
                const ir::Graph& graph, const std::vector<ValueId>& observed) {
  const ConstTensorView input = worker.input.view();
  TERSOR_RETURN_IF_ERROR(worker.executable.Run({&input, 1}, outputs));
  for (size_t i = 0; i <= observed.size(); ++i) {
    const Tensor& seen = i == 0 ? worker.input : worker.outputs[i - 1];
    // A result without the batch as its first axis is seen whole.
    const ValueId id = i == 0 ? graph.inputs()[0] : observed[i - 1];
    const bool by_example = graph.value(id).type().shape.HasBatch() && !whole;
    const auto values = by_example ? Rows(seen, count) : seen.values<float>();
    if (Status status = worker.seen[i].Add(values); !status.ok()) {
      return status.WithContext(StrCat("calibration: value ", transforms::NameOf(graph, id)));
    }
  }
  return OkStatus();
}

}  // namespace

std::string TextWithoutData(const ir::Graph& graph) {
  ir::Graph bare = graph.Clone();
  for (ValueId id : bare.variables()) bare.value(id).mutable_data() = Tensor();
  return ir::Print(bare);
}

Result<CalibrationStatistics> Calibrate(const ir::Graph& model, const data::Dataset& examples,
                                        const CalibrationOptions& options) {
  if (examples.size() == 0) {
    return InvalidArgument("calibration: data set '", examples.name, "' has no examples");
  }
  TERSOR_ASSIGN_OR_RETURN(const ir::Graph graph, PrepareForQuantization(model));
  if (graph.inputs().size() != 1) {
    return InvalidArgument("calibration: the model has ", graph.inputs().size(),
                           " inputs, expected one");
  }
  const TensorType& input_type = graph.value(graph.inputs()[0]).type();
  if (input_type.dtype != DType::kF32) {
    return InvalidArgument("calibration: the model's input is ", input_type.ToString(),
                           ", expected f32");
  }
  const std::vector<ValueId> observed = ObservedResults(graph);
  ir::Graph observing = graph.Clone();
  observing.SetOutputs(observed);
  const int64_t count = examples.size();
  if (input_type.shape.rank() < 1) {
    return InvalidArgument("calibration: the model's input is ", input_type.ToString(),
                           ", expected examples along the first axis");
  }
  const int64_t batch = input_type.shape.HasBatch() ? std::clamp<int64_t>(options.batch, 1, count)
                                                    : input_type.shape[0];
  TERSOR_ASSIGN_OR_RETURN(
      const auto encoder,
      data::InputEncoder::Create(input_type, examples.examples.type(), options.normalize));
  const bool whole = !input_type.shape.HasBatch();
  const int64_t batches = (count + batch - 1) / batch;
  const int threads = static_cast<int>(std::clamp<int64_t>(options.threads, 1, batches));
  std::vector<Worker> workers;
  for (int i = 0; i < threads; ++i) {
    TERSOR_ASSIGN_OR_RETURN(Worker worker, MakeWorker(observing, batch));
    workers.push_back(std::move(worker));
  }

  std::atomic<int64_t> next{0};
  const auto* bytes = static_cast<const std::byte*>(examples.examples.view().data);
  auto work = [&](Worker& worker) {
    std::vector<TensorView> outputs;
    for (Tensor& output : worker.outputs) outputs.push_back(output.mutable_view());
    for (;;) {
      const int64_t index = next.fetch_add(1);
      if (index >= batches) return;
      const int64_t first = index * batch, here = std::min(batch, count - first);
      auto* cells = static_cast<std::byte*>(worker.input.mutable_view().data);
      encoder.Encode(bytes + first * encoder.example_bytes(), here, cells);
      // A model of fixed batch sees examples again rather than what is left over.
      for (int64_t i = here; whole && i < batch; ++i) {
        encoder.Encode(bytes + i % count * encoder.example_bytes(), 1,
                       cells + i * encoder.input_bytes());
      }
      worker.status = RunBatch(worker, outputs, here, whole, graph, observed);
      if (!worker.status.ok()) return;
      if (options.progress && index % 8 == 0) {
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

  CalibrationStatistics statistics;
  statistics.examples = count;
  statistics.graph_text = TextWithoutData(graph);
  for (const Worker& worker : workers) {
    TERSOR_RETURN_IF_ERROR(worker.status);
    for (size_t i = 0; i <= observed.size(); ++i) {
      statistics.values[i == 0 ? graph.inputs()[0] : observed[i - 1]].Merge(worker.seen[i]);
    }
  }
  return statistics;
}

}  // namespace tersor::compression
