// What a graph becomes before it runs: the steps, the kernel of each, and where every value lives.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tersor/base/attributes.h"
#include "tersor/base/cpu.h"
#include "tersor/base/encoded_tensor.h"
#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/ir/graph.h"
#include "tersor/kernels/kernel.h"
#include "tersor/runtime/compile_options.h"

namespace tersor::runtime {

/// Where a value of the graph is found while a program runs.
struct PlannedValue {
  enum class Place : uint8_t {
    kNowhere,   ///< it is never stored: its producer's kernel goes on to a later result
    kInput,     ///< in the caller's input `at`
    kOutput,    ///< in the caller's output `at`
    kConstant,  ///< in Plan::variables[at], which neither a step nor the program changes
    kVariable,  ///< in Plan::variables[at], which a step or the program between two runs changes
    kArena,     ///< in the arena, from byte `at` on
  };
  std::string name;  ///< as the graph's text form refers to it: "%image", "@conv1.filter", "%3"
  TensorType type;   ///< shapes are concrete
  Place place = Place::kNowhere;
  int64_t at = 0;
  /// The value whose bytes these are: itself, or the one that a reshape shows under another type.
  ir::ValueId storage = ir::kNoValue;
};

/// What a step does, for people.
struct StepInfo {
  std::string name;      ///< of its last result; "relu_12" by the step's number where it has none
  std::string op;        ///< text name; fused ones joined by "+": "conv2d+multiply+add"
  std::string kernel;    ///< family and row: "conv2d_f32/avx2"
  std::string result;    ///< type of the result that is stored
  int64_t macs = 0;      ///< multiply-accumulates of one Run()
  bool integer = false;  ///< works on i8 or u8
  int64_t bytes = 0;     ///< operands, constants and results, each counted once
};

/// An operator that the kernel of the step before it does: kernels::Epilogue by values.
struct PlannedLink {
  kernels::Epilogue::Kind kind = kernels::Epilogue::Kind::kAdd;
  ir::ValueId operand = ir::kNoValue;  ///< a constant or a tensor; kNoValue for a pool
  Attributes attributes;
  ir::ValueId result = ir::kNoValue;
};

struct PlanStep {
  StepInfo info;
  ir::OpKind op = {};  ///< of the operator whose kernel it is; without meaning for a copy
  Attributes attributes;
  /// Of the operator itself in the order of ops.inc, kNoValue where an operand is absent.
  std::vector<ir::ValueId> operator_operands, operator_results;
  std::vector<PlannedLink> epilogue;
  /// What the kernel reads: the operator's own operands, then the tensors (not the constants) of
  /// its epilogue.
  std::vector<ir::ValueId> operands;
  std::vector<ir::ValueId> results;
  /// The operand that the result lies over; kNoValue where it has bytes of its own.
  ir::ValueId over = ir::kNoValue;
  int64_t scratch_bytes = 0;
  int64_t scratch_at = 0;  ///< offset in the arena
  /// The kernel that was chosen. A maker packs constants when it accepts a case, so the kernel is
  /// made while the plan is. Programs that are bound to one plan share it.
  std::shared_ptr<const kernels::Kernel> kernel;
};

/// A plan is data: it can be printed, compared and bound to memory and threads any number of times.
struct Plan {
  std::string name;  ///< of the graph
  int64_t batch = 1;
  int threads = 1;
  CpuLevel cpu = CpuLevel::kAny;  ///< best level that a kernel may use
  std::vector<ir::ValueId> inputs, outputs;
  std::vector<PlannedValue> values;  ///< by ValueId; those of removed values are empty
  std::vector<Tensor> variables;     ///< those that a node reads; they share the graph's storage
  std::vector<EncodedTensor::Ptr> encoded;  ///< as variables: the encoded form, null where dense
  std::vector<PlanStep> steps;
  int64_t arena_bytes = 0;
  int64_t packed_bytes = 0;  ///< constants that kernels hold in a form of their own

  const PlannedValue& value(ir::ValueId id) const { return values[static_cast<size_t>(id)]; }
};

/// The case of a step as a maker of kernels sees it. What it points to is its own or the plan's:
/// the plan's values, types and variables must stand where they are while it is used.
class KernelCase {
 public:
  KernelCase(const Plan& plan, const PlanStep& step);
  KernelCase(const KernelCase&) = delete;
  KernelCase& operator=(const KernelCase&) = delete;
  const kernels::KernelSpec& spec() const { return spec_; }

 private:
  std::vector<ConstTensorView> operands_;
  std::vector<const EncodedTensor*> encoded_;
  std::vector<TensorType> results_;
  std::vector<kernels::Epilogue> epilogue_;
  kernels::KernelSpec spec_;
};

/// Picks a kernel for each node (runtime/operator_kernels.inc), which packs the constants, fuses
/// epilogues, turns reshapes of intermediate values into views, and places every value. A variable
/// is constant unless a node of the graph mutates it or it is host_written(). Reads `batch`,
/// `extents`, `threads`, `cpu` and `fuse_epilogues` of the options. Fails on an operator without a
/// kernel for its types, on a variable without data, and on shapes that cannot be bound.
Result<Plan> MakePlan(const ir::Graph& graph, const CompileOptions& options = {});

/// The text form, one line a value or step (docs/runtime.md):
///
///   plan @net {batch=1, threads=1, cpu=avx2, arena=320} {
///     %image: f32[1,8] in input 0
///     @w: f32[4,8] in constant 0
///     %0: f32[1,4] in arena 0..16 = fully_connected [fully_connected_f32/avx2](%image, @w)
///     %1: f32[4] in arena 0..16 is %0
///     %y: f32[4] in output 0 = relu [elementwise/Relu/avx2](%1)
///   }
std::string PlanText(const Plan& plan);

}  // namespace tersor::runtime
