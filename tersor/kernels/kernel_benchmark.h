// For the benchmarks of kernels: one benchmark a row that this machine can run.
#pragma once

#include <benchmark/benchmark.h>

#include <string>

#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::testing {

/// Registers `name/row` for every available row that takes the case. Reports GFLOP/s (with
/// `operations` not 0) and GB/s (with `bytes` not 0) of one run.
inline void RegisterRows(const std::string& name, std::span<const KernelRow> rows,
                         const std::function<OperatorCase()>& make_case, double operations,
                         double bytes) {
  for (const KernelRow& row : AvailableRows(rows)) {
    benchmark::RegisterBenchmark(
        (name + "/" + std::string(row.name)).c_str(),
        [row, make_case, operations, bytes](benchmark::State& state) {
          const OperatorCase c = make_case();
          const auto kernel = c.Make(row);
          if (kernel == nullptr) return state.SkipWithError("refused");
          c.Repeat(*kernel, [&] { return state.KeepRunning(); });
          const auto rate = [&](double amount) {
            return benchmark::Counter(amount * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
          };
          if (operations > 0) state.counters["GFLOP/s"] = rate(operations);
          if (bytes > 0) state.counters["GB/s"] = rate(bytes);
        })
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace tersor::kernels::testing
