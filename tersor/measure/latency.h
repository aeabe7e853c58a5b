// How long a model takes on this machine, and where the time goes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tersor/base/cpu.h"
#include "tersor/base/status.h"
#include "tersor/ir/graph.h"
#include "tersor/runtime/backend.h"

namespace tersor::measure {

struct LatencyOptions {
  int threads = 1;
  int64_t batch = 1;
  std::map<std::string, int64_t> extents = {};  ///< of the other symbolic extents, by name
  double warmup_s = 0.05;                       ///< runs before the clock counts
  double min_time_s = 0.5;                      ///< measures at least so long,
  int64_t min_runs = 50;                        ///< and at least so many runs
  CpuFeatures cpu = CpuFeatures::Detect();
  bool profile = true;  ///< afterwards, time each step in runs of its own
  const runtime::Backend* backend = &runtime::CpuBackend();
};

struct StepLatency {
  std::string name, op, kernel;
  double us = 0;  ///< mean of one run
  double gops =
      0;  ///< 10^9 operations a second, a multiply-accumulate counted as two; 0 for steps without
  double share_of_peak = 0;  ///< gops over the measured peak of `threads` cores. Winograd kernels
                             ///< can pass 1: they do fewer operations
  int64_t macs = 0, bytes = 0;
};

struct Latency {
  double p50_us = 0, p90_us = 0, p99_us = 0, mean_us = 0;
  int64_t runs = 0;
  int64_t arena_bytes = 0, packed_bytes = 0;
  double peak_f32_gops = 0, peak_int8_gops = 0;  ///< of one core, measured on the spot
  std::vector<StepLatency> steps;
};

/// The element at `percent` (0 to 100) of the way through `sorted` (ascending, not empty), the
/// nearest one where that falls between two.
double Percentile(std::span<const double> sorted, double percent);

/// Percentiles, mean and count of the times of single runs (in any order, at least one).
Latency SummarizeRuns(std::vector<double> times_us);

/// Compiles a prepared graph (transforms::PrepareForInference) for the options' threads, batch, CPU
/// and backend: for several measurements of one program.
Result<std::unique_ptr<runtime::Program>> CompileForLatency(const ir::Graph& prepared,
                                                            const LatencyOptions& options);

/// Times a program on random inputs (seed 1). `threads` and `cpu` of the options say what the
/// program was compiled for; they serve the steps' share of the peak alone.
Result<Latency> MeasureLatency(runtime::Program& program, const LatencyOptions& options = {});

/// Prepares the model for inference, compiles it once, and times the program.
Result<Latency> MeasureLatency(const ir::Graph& model, const LatencyOptions& options = {});

/// Largest resident set of this process so far, in bytes (ru_maxrss).
int64_t PeakResidentBytes();

}  // namespace tersor::measure
