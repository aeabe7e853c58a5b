// Compiles a graph for this CPU and runs it.
//
//   TERSOR_ASSIGN_OR_RETURN(Executable model, Compile(graph, {.threads = 2}));
//   TERSOR_RETURN_IF_ERROR(model.Run(inputs, outputs));
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tersor/base/cpu.h"
#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/base/thread_pool.h"
#include "tersor/ir/graph.h"
#include "tersor/kernels/collective.h"

namespace tersor::runtime {

struct CompileOptions {
  /// Threads that one Run() may use, the caller's among them, 1 to kMaxThreads. 1: no thread is
  /// made.
  int threads = 1;
  /// A pool to share; it must have `threads` threads and outlive the executable. Null: the
  /// executable makes its own.
  ThreadPool* pool = nullptr;
  /// What a symbolic batch becomes.
  int64_t batch = 1;
  /// Kernels above this set are not used.
  CpuFeatures cpu = CpuFeatures::Detect();
  /// Offer kernels the operators behind them as an epilogue. Off: one kernel a node (to debug).
  bool fuse_epilogues = true;
  /// Training on shards: this executable is number `shard` of these. Null: it is alone. The
  /// collective outlives the executable.
  kernels::Collective* shards = nullptr;
  int shard = 0;
  /// Time each step of each Run() (adds two clock reads a step).
  bool profile = false;
};

/// One step of a compiled program, as plan and profile report it.
struct StepInfo {
  std::string name;      ///< of its last result, or "%12"
  std::string op;        ///< text name; fused ones joined by "+": "conv2d+multiply+add"
  std::string kernel;    ///< family and row: "conv2d_f32/avx2"
  std::string result;    ///< type of the result that is stored
  int64_t macs = 0;      ///< multiply-accumulates of one Run()
  bool integer = false;  ///< works on i8 or u8
  int64_t bytes = 0;     ///< operands, constants and results, each counted once
  double total_us = 0;   ///< summed over Run()s, with options.profile
  int64_t runs = 0;
};

/// A compiled graph. Run() neither allocates nor takes a lock. Movable; not for several threads at
/// once. Shares the graph's variables: a mutating operator writes to them, and a later change of a
/// constant's data by others is not seen (it was packed).
class Executable {
 public:
  Executable(Executable&&) noexcept;
  Executable& operator=(Executable&&) noexcept;
  ~Executable();

  /// Types with the batch bound, in the graph's order.
  const std::vector<TensorType>& input_types() const;
  const std::vector<TensorType>& output_types() const;

  /// `inputs` and `outputs` are dense, in the graph's order, of exactly those types (dtype and
  /// shape are checked). Outputs must not overlap inputs. Fails only on a mismatch.
  Status Run(std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs);

  /// First example of the coming Run() in the whole batch (see KernelCall::first_example).
  void set_first_example(int64_t first_example);

  int64_t arena_bytes() const;  ///< intermediate values and scratch: the memory that Run() works in
  int64_t packed_bytes() const;  ///< packed constants that kernels hold
  const std::vector<StepInfo>& steps() const;
  void ResetProfile();

  struct Impl;  // executable_impl.h

 private:
  explicit Executable(std::unique_ptr<Impl> impl);
  friend Result<Executable> Compile(const ir::Graph& graph, const CompileOptions& options);
  std::unique_ptr<Impl> impl_;
};

/// Picks a kernel for each node (runtime/operator_kernels.inc), packs constant variables, fuses
/// epilogues and plans the arena. A variable is constant unless a node of the graph mutates it or it is host_written().
/// Fails on an operator that has no kernel for its types, on a variable without data, on shapes
/// that cannot be bound, and when the system gives no more memory or threads.
Result<Executable> Compile(const ir::Graph& graph, const CompileOptions& options = {});

/// Compiles and runs once: for tests, constant folding and tools.
Result<std::vector<Tensor>> RunOnce(const ir::Graph& graph, std::span<const Tensor> inputs,
                                    const CompileOptions& options = {});

}  // namespace tersor::runtime
