#include "tersor/measure/latency.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "tersor/base/random.h"
#include "tersor/kernels/peak/peak.h"
#include "tersor/runtime/executable.h"
#include "tersor/transforms/pass.h"

namespace tersor::measure {
namespace {

using Clock = std::chrono::steady_clock;

double MicrosecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

// Inputs and outputs of an executable, with memory of their own.
struct Bindings {
  std::vector<Tensor> tensors;
  std::vector<ConstTensorView> inputs;
  std::vector<TensorView> outputs;
};

Result<Bindings> MakeBindings(const runtime::Executable& executable) {
  Bindings bindings;
  for (const TensorType& type : executable.input_types()) {
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
  for (const TensorType& type : executable.output_types()) {
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

double Quantile(const std::vector<double>& sorted, double q) {
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<size_t>(q * last + 0.5)];
}

Status Profile(const ir::Graph& model, runtime::CompileOptions compile, Latency* latency) {
  compile.profile = true;
  TERSOR_ASSIGN_OR_RETURN(auto executable, runtime::Compile(model, compile));
  TERSOR_ASSIGN_OR_RETURN(Bindings bindings, MakeBindings(executable));
  constexpr int kWarmUps = 3;
  const auto runs = static_cast<int>(
      std::clamp(1e5 / std::max(latency->mean_us, 1.0), 5.0, 1000.0));  // about 0.1 s
  for (int i = 0; i < runs + kWarmUps; ++i) {
    if (i == kWarmUps) executable.ResetProfile();
    TERSOR_RETURN_IF_ERROR(executable.Run(bindings.inputs, bindings.outputs));
  }
  for (const runtime::StepInfo& info : executable.steps()) {
    StepLatency step;
    step.name = info.name;
    step.op = info.op;
    step.kernel = info.kernel;
    step.macs = info.macs;
    step.bytes = info.bytes;
    step.us = info.total_us / static_cast<double>(std::max<int64_t>(info.runs, 1));
    step.gops = 2e-3 * static_cast<double>(info.macs) / std::max(step.us, 1e-3);
    const double peak = info.integer ? latency->peak_int8_gops : latency->peak_f32_gops;
    step.share_of_peak = step.gops / std::max(peak * compile.threads, 1e-9);
    latency->steps.push_back(std::move(step));
  }
  return OkStatus();
}

}  // namespace

Result<Latency> MeasureLatency(const ir::Graph& model, const LatencyOptions& options) {
  ir::Graph prepared = model.Clone();
  if (options.prepare) {
    TERSOR_ASSIGN_OR_RETURN(prepared, transforms::PrepareForInference(model));
  }
  runtime::CompileOptions compile;
  compile.threads = options.threads;
  compile.batch = options.batch;
  compile.cpu = options.cpu;
  TERSOR_ASSIGN_OR_RETURN(auto executable, runtime::Compile(prepared, compile));
  TERSOR_ASSIGN_OR_RETURN(Bindings bindings, MakeBindings(executable));

  auto begin = Clock::now();
  do {
    TERSOR_RETURN_IF_ERROR(executable.Run(bindings.inputs, bindings.outputs));
  } while (MicrosecondsSince(begin) < 1e6 * options.warmup_s);
  std::vector<double> times;
  begin = Clock::now();
  while (static_cast<int64_t>(times.size()) < options.min_runs ||
         MicrosecondsSince(begin) < 1e6 * options.min_time_s) {
    const auto start = Clock::now();
    TERSOR_RETURN_IF_ERROR(executable.Run(bindings.inputs, bindings.outputs));
    times.push_back(MicrosecondsSince(start));
  }
  std::sort(times.begin(), times.end());

  Latency latency;
  latency.runs = static_cast<int64_t>(times.size());
  latency.mean_us =
      std::accumulate(times.begin(), times.end(), 0.0) / static_cast<double>(times.size());
  latency.p50_us = Quantile(times, 0.5);
  latency.p90_us = Quantile(times, 0.9);
  latency.p99_us = Quantile(times, 0.99);
  latency.arena_bytes = executable.arena_bytes();
  latency.packed_bytes = executable.packed_bytes();
  if (options.profile) {
    const auto peak = kernels::peak::MeasurePeak(options.cpu);
    latency.peak_f32_gops = peak.f32_gops;
    latency.peak_int8_gops = peak.int8_gops;
    TERSOR_RETURN_IF_ERROR(Profile(prepared, compile, &latency));
  }
  return latency;
}

int64_t PeakResidentBytes() {
  struct rusage usage {};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace tersor::measure
