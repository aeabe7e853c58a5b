// How long a model takes on this machine, and where the time goes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tersor/base/cpu.h"
#include "tersor/base/status.h"
#include "tersor/ir/graph.h"

namespace tersor::measure {

struct LatencyOptions {
  int threads = 1;
  int64_t batch = 1;
  double warmup_s = 0.05;   ///< runs before the clock counts
  double min_time_s = 0.5;  ///< measures at least so long,
  int64_t min_runs = 50;    ///< and at least so many runs
  CpuFeatures cpu = CpuFeatures::Detect();
  bool profile = true;  ///< afterwards, time each step in runs of its own
  bool prepare = true;  ///< run transforms::PrepareForInference first
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

/// Times the model on random inputs (seed 1). The model is compiled once; compiling is not counted.
Result<Latency> MeasureLatency(const ir::Graph& model, const LatencyOptions& options = {});

/// Largest resident set of this process so far, in bytes (ru_maxrss).
int64_t PeakResidentBytes();

}  // namespace tersor::measure
