#include "tersor/runtime/executable_impl.h"

namespace tersor::runtime {
namespace {

using Place = PlannedValue::Place;

class Binder {
 public:
  explicit Binder(Executable::Impl& impl)
      : impl_(impl), arena_(static_cast<std::byte*>(impl.arena->data())) {}

  void Run() {
    for (const PlanStep& planned : impl_.plan.steps) {
      auto& step = impl_.steps.emplace_back();
      step.kernel = planned.kernel.get();
      if (planned.scratch_bytes > 0) step.scratch = arena_ + planned.scratch_at;
      for (ir::ValueId id : planned.operands) step.operands.push_back(Operand(id));
      for (ir::ValueId id : planned.results) step.results.push_back(ResultOf(id));
    }
  }

 private:
  ConstTensorView Operand(ir::ValueId id) {
    if (id == ir::kNoValue) return {};
    const PlannedValue& value = impl_.plan.value(id);
    const auto at = static_cast<size_t>(value.at);
    const size_t step = impl_.steps.size() - 1, place = impl_.steps.back().operands.size();
    switch (value.place) {
      case Place::kConstant:
      case Place::kVariable:
        return {&value.type, impl_.plan.variables[at].view().data};
      case Place::kInput:
        impl_.from_inputs.push_back({step, place, at});
        break;
      case Place::kOutput:
        impl_.from_outputs.push_back({step, place, at});
        break;
      case Place::kArena:
        return {&value.type, arena_ + at};
      case Place::kNowhere:
        break;
    }
    return {&value.type, nullptr};
  }

  TensorView ResultOf(ir::ValueId id) {
    const PlannedValue& value = impl_.plan.value(id);
    const auto at = static_cast<size_t>(value.at);
    if (value.place == Place::kArena) return {&value.type, arena_ + at};
    impl_.to_outputs.push_back({impl_.steps.size() - 1, impl_.steps.back().results.size(), at});
    return {&value.type, nullptr};
  }

  Executable::Impl& impl_;
  std::byte* const arena_;
};

Status BindThreads(const CompileOptions& options, Executable::Impl& impl) {
  kernels::KernelCall& call = impl.call;
  if (options.pool == nullptr) {
    TERSOR_ASSIGN_OR_RETURN(impl.own_pool, ThreadPool::Create(impl.plan.threads));
    call.pool = &impl.own_pool;
  } else if (options.pool->threads() == impl.plan.threads) {
    call.pool = options.pool;
  } else {
    return InvalidArgument("the pool has ", options.pool->threads(), " threads, the plan needs ",
                           impl.plan.threads);
  }
  call.shards = options.shards;
  call.shard = options.shard;
  call.first_example = options.first_example;
  return OkStatus();
}

class Cpu final : public Backend {
 public:
  Result<std::unique_ptr<Program>> Compile(const ir::Graph& graph,
                                           const CompileOptions& options) const override {
    TERSOR_ASSIGN_OR_RETURN(Executable executable, runtime::Compile(graph, options));
    return std::unique_ptr<Program>(std::make_unique<Executable>(std::move(executable)));
  }
};

}  // namespace

Result<Executable> Bind(Plan plan, const CompileOptions& options) {
  auto impl = std::make_unique<Executable::Impl>();
  impl->plan = std::move(plan);
  for (ir::ValueId id : impl->plan.inputs) {
    impl->input_types.push_back(impl->plan.value(id).type);
  }
  for (ir::ValueId id : impl->plan.outputs) {
    impl->output_types.push_back(impl->plan.value(id).type);
  }
  TERSOR_ASSIGN_OR_RETURN(impl->arena,
                          Buffer::Allocate(static_cast<size_t>(impl->plan.arena_bytes)));
  Binder(*impl).Run();
  TERSOR_RETURN_IF_ERROR(BindThreads(options, *impl));
  return Executable(std::move(impl));
}

Result<Executable> Compile(const ir::Graph& graph, const CompileOptions& options) {
  TERSOR_ASSIGN_OR_RETURN(Plan plan, MakePlan(graph, options));
  return Bind(std::move(plan), options);
}

const Backend& CpuBackend() {
  static const Cpu cpu;
  return cpu;
}

}  // namespace tersor::runtime
