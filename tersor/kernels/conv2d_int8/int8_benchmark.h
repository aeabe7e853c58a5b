// For the benchmarks of the integer kernels: one benchmark for each row that this machine can run.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <string>

#include "tersor/kernels/conv2d_int8/int8_testing.h"
#include "tersor/kernels/peak/peak.h"

namespace tersor::kernels::testing {

/// Registers `name/row`, at one thread. Counters: G products per second of the formula, and their
/// share of what the row's level could do on this core, measured on the spot.
inline void RegisterInt8(const std::string& name, std::span<const KernelRow> rows,
                         const std::function<Int8Layer()>& make, double products) {
  for (const KernelRow& row : rows) {
    if (!CpuFeatures::Machine().Has(row.level) || row.level == CpuLevel::kAny) continue;
    benchmark::RegisterBenchmark(
        (name + "/" + std::string(row.name)).c_str(),
        [row, make, products](benchmark::State& state) {
          const Int8Layer layer = make();
          const auto kernel = layer.Make(row, true, 1);
          if (kernel == nullptr) return state.SkipWithError("refused");
          auto result = Tensor::Create(layer.final_type()).value();
          auto scratch = Buffer::Allocate(kernel->scratch_bytes()).value();
          std::vector<ConstTensorView> operands;
          for (const Tensor& operand : layer.operands) {
            operands.push_back(operand.empty() ? ConstTensorView{} : operand.view());
          }
          for (const FusedLink& link : layer.links) {
            if (!link.constant) operands.push_back(link.operand.view());
          }
          const TensorView view = result.mutable_view();
          ThreadPool pool;
          KernelCall call;
          call.operands = operands;
          call.results = {&view, 1};
          call.scratch = scratch->data();
          call.pool = &pool;
          for (auto _ : state) kernel->Run(call);
          const double done = products * static_cast<double>(state.iterations());
          state.counters["Gprod/s"] = benchmark::Counter(done * 1e-9, benchmark::Counter::kIsRate);
          const CpuFeatures cpu = CpuFeatures::Machine().CappedAt(row.level);
          const double peak = peak::MeasurePeak(cpu).int8_gops * 0.5e9;
          state.counters["of_peak"] = benchmark::Counter(done / peak, benchmark::Counter::kIsRate);
        })
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace tersor::kernels::testing
