// Compiles a graph for this CPU and runs it.
//
//   TERSOR_ASSIGN_OR_RETURN(Executable model, Compile(graph, {.threads = 2}));
//   TERSOR_RETURN_IF_ERROR(model.Run(inputs, outputs));
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/ir/graph.h"
#include "tersor/runtime/backend.h"
#include "tersor/runtime/compile_options.h"
#include "tersor/runtime/plan.h"

namespace tersor::runtime {

/// A plan that has memory and threads. Run() neither allocates nor takes a lock. Movable; not for
/// several threads at once. Shares the graph's variables: a mutating operator writes to them, and a
/// later change of a constant's data by others is not seen (it was packed).
class Executable final : public Program {
 public:
  Executable(Executable&&) noexcept;
  Executable& operator=(Executable&&) noexcept;
  ~Executable() override;

  const std::vector<TensorType>& input_types() const override;
  const std::vector<TensorType>& output_types() const override;
  Status Run(std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs) override;
  int64_t arena_bytes() const override;
  int64_t packed_bytes() const override;
  Result<std::vector<StepTime>> Profile(std::span<const ConstTensorView> inputs,
                                        std::span<const TensorView> outputs, int64_t runs) override;

  const Plan& plan() const;

  struct Impl;  // executable_impl.h

 private:
  explicit Executable(std::unique_ptr<Impl> impl);
  friend Result<Executable> Bind(Plan plan, const CompileOptions& options);
  std::unique_ptr<Impl> impl_;
};

/// Gives a plan its arena and its threads. Reads `pool`, `shards`, `shard` and `first_example` of
/// the options. Copies of one plan can be bound, each to run on a thread of its own; they share the
/// packed constants. Fails when the pool has another number of threads than the plan, and when the
/// system gives no more memory or threads.
Result<Executable> Bind(Plan plan, const CompileOptions& options = {});

/// MakePlan() and Bind().
Result<Executable> Compile(const ir::Graph& graph, const CompileOptions& options = {});

/// Compiles and runs once: for tests, constant folding and tools. The batch and the symbolic
/// extents are those that the inputs have.
Result<std::vector<Tensor>> RunOnce(const ir::Graph& graph, std::span<const Tensor> inputs,
                                    const CompileOptions& options = {});

}  // namespace tersor::runtime
