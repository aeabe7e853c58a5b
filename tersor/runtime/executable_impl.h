// What an executable is made of. Private to runtime/.
#pragma once

#include <memory>
#include <vector>

#include "tersor/kernels/kernel.h"
#include "tersor/runtime/executable.h"

namespace tersor::runtime {

struct Step {
  std::unique_ptr<kernels::Kernel> kernel;
  std::vector<ConstTensorView> operands;  // the kernel's own, then those of the epilogue
  std::vector<TensorView> results;
  void* scratch = nullptr;
};

struct Executable::Impl {
  // Where a pointer that the caller brings is put before each run.
  struct Patch {
    size_t step;
    size_t place;  // in operands or results
    size_t index;  // of the graph's input or output
  };

  std::vector<TensorType> types;  // of each value, batch bound; views point into it
  std::vector<TensorType> input_types, output_types;
  std::vector<Step> steps;
  std::vector<StepInfo> infos;
  std::vector<Patch> input_patches;           // operands that read a graph input
  std::vector<Patch> output_patches;          // results that are a graph output
  std::vector<Patch> output_operand_patches;  // operands that read a graph output
  std::vector<Tensor> variables;              // keeps their storage alive
  std::shared_ptr<Buffer> arena;
  int64_t arena_bytes = 0;
  int64_t packed_bytes = 0;
  ThreadPool own_pool;
  ThreadPool* pool = nullptr;
  kernels::Collective* shards = nullptr;
  int shard = 0;
  int64_t first_example = 0;
  bool profile = false;

  Status CheckViews(std::span<const ConstTensorView> inputs,
                    std::span<const TensorView> outputs) const;
};

}  // namespace tersor::runtime
