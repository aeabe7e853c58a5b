// What an executable is made of. Private to runtime/.
#pragma once

#include <memory>
#include <vector>

#include "tersor/kernels/kernel.h"
#include "tersor/runtime/executable.h"

namespace tersor::runtime {

struct Executable::Impl {
  // A step of the plan with pointers.
  struct Step {
    const kernels::Kernel* kernel = nullptr;
    std::vector<ConstTensorView> operands;
    std::vector<TensorView> results;
    void* scratch = nullptr;
  };
  // Where a pointer that the caller brings is put before each run.
  struct CallerPointer {
    size_t step;
    size_t place;  // in operands or results
    size_t index;  // of the graph's input or output
  };

  Plan plan;  // views point to the types in it
  std::vector<TensorType> input_types, output_types;
  std::vector<Step> steps;
  std::vector<CallerPointer> from_inputs;   // operands that read a graph input
  std::vector<CallerPointer> to_outputs;    // results that are a graph output
  std::vector<CallerPointer> from_outputs;  // operands that read a graph output
  std::shared_ptr<Buffer> arena;
  ThreadPool own_pool;
  kernels::KernelCall call;  // what all steps share

  Status CheckViews(std::span<const ConstTensorView> inputs,
                    std::span<const TensorView> outputs) const;
  void SetPointers(std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs);
  void RunStep(const Step& step) {
    call.operands = step.operands;
    call.results = step.results;
    call.scratch = step.scratch;
    step.kernel->Run(call);
  }
};

}  // namespace tersor::runtime
