#include "tersor/measure/latency.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>

#include "tersor/base/random.h"
#include "tersor/kernels/peak/peak.h"
#include "tersor/transforms/pass.h"

namespace tersor::measure {
namespace {

using Clock = std::chrono::steady_clock;

// A thread that computes for longer than its time slice (some milliseconds) loses its core in the
// middle of a run when other work waits for one. A thread that offers its core between two runs,
// more often than its slice ends, loses it there: so the times are those of the model.
constexpr std::chrono::milliseconds kBetweenYields{1};

double MicrosecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

// Inputs and outputs of a program, with memory of their own.
struct Bindings {
  std::vector<Tensor> tensors;
  std::vector<ConstTensorView> inputs;
  std::vector<TensorView> outputs;
};

Result<Bindings> MakeBindings(const runtime::Program& program) {
  Bindings bindings;
  for (const TensorType& type : program.input_types()) {
    TERSOR_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(type));
    Random random(1, bindings.tensors.size());
    if (type.dtype == DType::kF32) {
      for (float& x : tensor.mutable_values<float>()) x = 2 * random.NextFloat() - 1;
    } else if (DTypeBits(type.dtype) == 8) {
      auto* bytes = static_cast<uint8_t*>(tensor.mutable_view().data);
      for (int64_t i = 0; i < type.size_bytes(); ++i) {
        bytes[i] = static_cast<uint8_t>(random.NextU32());
      }
    }
    bindings.tensors.push_back(std::move(tensor));
  }
  const size_t inputs = bindings.tensors.size();
  for (const TensorType& type : program.output_types()) {
    TERSOR_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(type));
    bindings.tensors.push_back(std::move(tensor));
  }
  for (size_t i = 0; i < bindings.tensors.size(); ++i) {
    if (i < inputs) {
      bindings.inputs.push_back(bindings.tensors[i].view());
    } else {
      bindings.outputs.push_back(bindings.tensors[i].mutable_view());
    }
  }
  return bindings;
}

// The steps' times, over about 0.1 s.
Status AddSteps(runtime::Program& program, const Bindings& bindings, const LatencyOptions& options,
                Latency* latency) {
  const auto peak = kernels::peak::MeasurePeak(options.cpu);
  latency->peak_f32_gops = peak.f32_gops;
  latency->peak_int8_gops = peak.int8_gops;
  const auto runs =
      static_cast<int64_t>(std::clamp(1e5 / std::max(latency->mean_us, 1.0), 5.0, 1000.0));
  TERSOR_ASSIGN_OR_RETURN(const auto times,
                          program.Profile(bindings.inputs, bindings.outputs, runs));
  for (const auto& [info, total_us, count] : times) {
    StepLatency step;
    step.name = info.name;
    step.op = info.op;
    step.kernel = info.kernel;
    step.macs = info.macs;
    step.bytes = info.bytes;
    step.us = total_us / static_cast<double>(std::max<int64_t>(count, 1));
    step.gops = 2e-3 * static_cast<double>(info.macs) / std::max(step.us, 1e-3);
    const double one_core = info.integer ? latency->peak_int8_gops : latency->peak_f32_gops;
    step.share_of_peak = step.gops / std::max(one_core * options.threads, 1e-9);
    latency->steps.push_back(std::move(step));
  }
  return OkStatus();
}

}  // namespace

double Percentile(std::span<const double> sorted, double percent) {
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<size_t>(percent / 100 * last + 0.5)];
}

Latency SummarizeRuns(std::vector<double> times_us) {
  std::sort(times_us.begin(), times_us.end());
  Latency latency;
  latency.runs = static_cast<int64_t>(times_us.size());
  latency.mean_us =
      std::accumulate(times_us.begin(), times_us.end(), 0.0) / static_cast<double>(times_us.size());
  latency.p50_us = Percentile(times_us, 50);
  latency.p90_us = Percentile(times_us, 90);
  latency.p99_us = Percentile(times_us, 99);
  return latency;
}

Result<Latency> MeasureLatency(runtime::Program& program, const LatencyOptions& options) {
  TERSOR_ASSIGN_OR_RETURN(Bindings bindings, MakeBindings(program));
  auto begin = Clock::now();
  do {
    TERSOR_RETURN_IF_ERROR(program.Run(bindings.inputs, bindings.outputs));
  } while (MicrosecondsSince(begin) < 1e6 * options.warmup_s);
  std::vector<double> times;
  begin = Clock::now();
  auto yielded = begin - kBetweenYields;
  while (static_cast<int64_t>(times.size()) < std::max<int64_t>(options.min_runs, 1) ||
         MicrosecondsSince(begin) < 1e6 * options.min_time_s) {
    auto start = Clock::now();
    if (start - yielded >= kBetweenYields) {
      std::this_thread::yield();
      yielded = start = Clock::now();
    }
    TERSOR_RETURN_IF_ERROR(program.Run(bindings.inputs, bindings.outputs));
    times.push_back(MicrosecondsSince(start));
  }
  Latency latency = SummarizeRuns(std::move(times));
  latency.arena_bytes = program.arena_bytes();
  latency.packed_bytes = program.packed_bytes();
  if (options.profile) {
    TERSOR_RETURN_IF_ERROR(AddSteps(program, bindings, options, &latency));
  }
  return latency;
}

Result<std::unique_ptr<runtime::Program>> CompileForLatency(const ir::Graph& prepared,
                                                            const LatencyOptions& options) {
  runtime::CompileOptions compile;
  compile.threads = options.threads;
  compile.batch = options.batch;
  compile.extents = options.extents;
  compile.cpu = options.cpu;
  return options.backend->Compile(prepared, compile);
}

Result<Latency> MeasureLatency(const ir::Graph& model, const LatencyOptions& options) {
  TERSOR_ASSIGN_OR_RETURN(const ir::Graph prepared, transforms::PrepareForInference(model));
  TERSOR_ASSIGN_OR_RETURN(const auto program, CompileForLatency(prepared, options));
  return MeasureLatency(*program, options);
}

int64_t PeakResidentBytes() {
  struct rusage usage {};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace tersor::measure
