// What turns a graph into something that runs. Training, measuring and compression know no more of
// the machine than this, so another backend (a device, a writer of source code) can stand behind
// it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/ir/graph.h"
#include "tersor/runtime/compile_options.h"
#include "tersor/runtime/plan.h"

namespace tersor::runtime {

/// A graph that is ready to run. Not for several threads at once. Shares the graph's variables: a
/// mutating operator writes to them.
class Program {
 public:
  virtual ~Program() = default;

  /// Types with the batch bound, in the graph's order.
  virtual const std::vector<TensorType>& input_types() const = 0;
  virtual const std::vector<TensorType>& output_types() const = 0;

  /// `inputs` and `outputs` are dense, in the graph's order, of exactly those types (dtype and
  /// shape are checked). Outputs must not overlap inputs. Fails only on a mismatch.
  virtual Status Run(std::span<const ConstTensorView> inputs,
                     std::span<const TensorView> outputs) = 0;

  /// Bytes that Run() works in: intermediate values and scratch.
  virtual int64_t arena_bytes() const = 0;
  /// Bytes of constants that the program holds in a form of its own.
  virtual int64_t packed_bytes() const = 0;

  struct StepTime {
    StepInfo info;
    double total_us = 0;  ///< summed over the runs
    int64_t runs = 0;
  };
  /// The time of each step over `runs` runs on the same arguments. Empty from a backend that has no
  /// steps to time.
  virtual Result<std::vector<StepTime>> Profile(std::span<const ConstTensorView> inputs,
                                                std::span<const TensorView> outputs,
                                                int64_t runs) = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  /// Fails on an operator that the backend does not have, on a variable without data, on shapes
  /// that cannot be bound, and when the system gives no more memory or threads. Thread-safe.
  virtual Result<std::unique_ptr<Program>> Compile(const ir::Graph& graph,
                                                   const CompileOptions& options) const = 0;
};

/// This machine's CPU: runtime::Compile.
const Backend& CpuBackend();

}  // namespace tersor::runtime
