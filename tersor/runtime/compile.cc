#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>

#include "tersor/ir/cost.h"
#include "tersor/runtime/executable_impl.h"
#include "tersor/runtime/kernel_table.h"
#include "tersor/runtime/memory_plan.h"

namespace tersor::runtime {
namespace {

using ir::kNoValue;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

// An output that is an input, a variable, or another output as well.
class CopyKernel : public kernels::Kernel {
 public:
  explicit CopyKernel(size_t size_bytes) : size_bytes_(size_bytes) {}
  void Run(const kernels::KernelCall& call) const override {
    std::memcpy(call.results[0].data, call.operands[0].data, size_bytes_);
  }

 private:
  size_t size_bytes_;
};

// Operators whose kernels may write over their first operand.
bool WorksInPlace(OpKind op) {
  switch (op) {
    case OpKind::kAdd:
    case OpKind::kSubtract:
    case OpKind::kMultiply:
    case OpKind::kRelu:
    case OpKind::kRelu6:
    case OpKind::kClamp:
    case OpKind::kReluGrad:
    case OpKind::kRelu6Grad:
      return true;
    default:
      return false;
  }
}

// A step before it has memory.
struct PlannedStep {
  std::vector<ValueId> operands;  // of the kernel, then of its epilogue
  std::vector<ValueId> results;
  bool in_place = false;
  size_t scratch_bytes = 0;
};

class Compiler {
 public:
  Compiler(const ir::Graph& graph, const CompileOptions& options)
      : graph_(graph), options_(options), uses_(graph.UseCounts()) {}

  Status CompileInto(Executable::Impl* impl);

 private:
  size_t Index(ValueId id) const { return static_cast<size_t>(id); }
  const TensorType& TypeOf(ValueId id) const { return impl_->types[Index(id)]; }
  ValueId Root(ValueId id) const {
    while (alias_[Index(id)] != id) id = alias_[Index(id)];
    return id;
  }
  bool IsConstant(ValueId id) const {
    const ir::Value& value = graph_.value(id);
    return value.is_variable() && !value.host_written() && !mutated_[Index(id)];
  }

  Status BindTypes();
  Status CheckVariables();
  bool AliasReshape(const Node& node);
  std::vector<const Node*> EpilogueChain(const Node& node, size_t position) const;
  bool FormsLink(const Node& node, ValueId value, size_t position) const;
  ConstTensorView SpecView(ValueId id) const;
  Status AddStep(const Node& node, size_t position);
  void AddCopies();
  void Describe(const Node& node, std::span<const Node* const> chain, const std::string& kernel);
  Status PlaceValues();

  const ir::Graph& graph_;
  const CompileOptions& options_;
  const std::vector<int> uses_;
  Executable::Impl* impl_ = nullptr;
  std::vector<bool> mutated_;     // by value
  std::vector<size_t> position_;  // by value: place of its producer in the graph
  std::vector<ValueId> alias_;    // by value: whose storage it has
  std::vector<int> output_of_;    // by root: the graph output that it is stored in, or -1
  std::vector<bool> fused_;       // by node position
  std::vector<PlannedStep> planned_;
};

Status Compiler::BindTypes() {
  if (options_.batch < 1)
    return InvalidArgument("batch must be at least 1, found ", options_.batch);
  TERSOR_RETURN_IF_ERROR(CheckThreadCount(options_.threads));
  const size_t count = static_cast<size_t>(graph_.num_values());
  impl_->types.resize(count);
  mutated_.assign(count, false);
  position_.assign(count, 0);
  alias_.resize(count);
  output_of_.assign(count, -1);
  auto bind = [&](ValueId id) -> Status {
    TensorType type = graph_.value(id).type();
    type.shape = type.shape.WithBatch(options_.batch);
    if (type.size_bytes() == std::numeric_limits<int64_t>::max()) {
      return ResourceExhausted("value ", graph_.value(id).name(), ' ', type.ToString(),
                               ": its size overflows");
    }
    impl_->types[Index(id)] = std::move(type);
    alias_[Index(id)] = id;
    return OkStatus();
  };
  for (ValueId id : graph_.inputs()) {
    TERSOR_RETURN_IF_ERROR(bind(id));
    impl_->input_types.push_back(TypeOf(id));
  }
  for (ValueId id : graph_.variables()) TERSOR_RETURN_IF_ERROR(bind(id));
  for (size_t i = 0; i < graph_.nodes().size(); ++i) {
    const Node& node = *graph_.nodes()[i];
    for (ValueId id : node.results()) {
      TERSOR_RETURN_IF_ERROR(bind(id));
      position_[Index(id)] = i;
    }
    const auto infos = node.info().operands;
    for (size_t k = 0; k < node.operands().size() && k < infos.size(); ++k) {
      if (infos[k].mutated && node.operands()[k] != kNoValue) {
        mutated_[Index(node.operands()[k])] = true;
      }
    }
  }
  for (ValueId id : graph_.outputs()) impl_->output_types.push_back(TypeOf(id));
  return OkStatus();
}

Status Compiler::CheckVariables() {
  for (ValueId id : graph_.variables()) {
    const ir::Value& variable = graph_.value(id);
    if (uses_[Index(id)] == 0) continue;
    if (variable.data().empty()) {
      return FailedPrecondition("variable ", variable.name(), " has no data");
    }
    if (mutated_[Index(id)] && !variable.data().buffer()->writable()) {
      return FailedPrecondition("variable ", variable.name(),
                                " is updated, but its data is mapped read-only");
    }
    impl_->variables.push_back(variable.data());
  }
  return OkStatus();
}

// A reshape of an intermediate value is the same bytes under another type: no step at all.
bool Compiler::AliasReshape(const Node& node) {
  if (node.op() != OpKind::kReshape) return false;
  const ValueId source = Root(node.operand(0)), result = node.result();
  if (graph_.value(source).kind() != ir::Value::Kind::kResult) return false;
  if (TypeOf(source).size_bytes() != TypeOf(result).size_bytes()) return false;
  if (output_of_[Index(source)] >= 0 && output_of_[Index(result)] >= 0) return false;
  alias_[Index(result)] = source;
  output_of_[Index(source)] = std::max(output_of_[Index(source)], output_of_[Index(result)]);
  return true;
}

// Whether `node`, which reads `value`, can be done by the kernel at `position` before it stores
// `value`.
bool Compiler::FormsLink(const Node& node, ValueId value, size_t position) const {
  if (node.op() == OpKind::kMaxPool2d) return true;
  if (node.op() != OpKind::kAdd && node.op() != OpKind::kMultiply) return false;
  const ValueId other = node.operand(0) == value ? node.operand(1) : node.operand(0);
  if (other == value) return false;
  if (TypeOf(node.result()).shape != TypeOf(value).shape) return false;
  const ir::Value& operand = graph_.value(other);
  const Shape& shape = TypeOf(other).shape;
  if (IsConstant(other)) {
    const int64_t count = shape.num_elements();
    const Shape& full = TypeOf(value).shape;
    return count == 1 ||
           (shape.rank() > 0 && count == shape[shape.rank() - 1] && count == full[full.rank() - 1]);
  }
  if (node.op() != OpKind::kAdd || shape != TypeOf(value).shape) return false;
  return operand.kind() == ir::Value::Kind::kInput ||
         (operand.kind() == ir::Value::Kind::kResult && position_[Index(other)] < position);
}

std::vector<const Node*> Compiler::EpilogueChain(const Node& node, size_t position) const {
  std::vector<const Node*> chain;
  if (!options_.fuse_epilogues) return chain;
  if (node.results().size() != 1) return chain;
  if (node.op() != OpKind::kConv2d && node.op() != OpKind::kFullyConnected) return chain;
  ValueId value = node.result();
  while (uses_[Index(value)] == 1 && !graph_.IsOutput(value)) {
    const std::vector<Node*> users = graph_.UsersOf(value);
    if (users.size() != 1 || !FormsLink(*users[0], value, position)) break;
    chain.push_back(users[0]);
    value = users[0]->result();
  }
  return chain;
}

ConstTensorView Compiler::SpecView(ValueId id) const {
  if (id == kNoValue) return {};
  ConstTensorView view{&TypeOf(id), nullptr};
  if (IsConstant(id)) view.data = graph_.value(id).data().view().data;
  return view;
}

void Compiler::Describe(const Node& node, std::span<const Node* const> chain,
                        const std::string& kernel) {
  const Node& last = chain.empty() ? node : *chain.back();
  StepInfo info;
  info.op = std::string(node.info().text_name);
  for (const Node* link : chain) info.op += StrCat('+', link->info().text_name);
  if (!last.results().empty()) {
    const ValueId result = last.result();
    info.name = graph_.value(result).name();
    info.result = TypeOf(result).ToString();
  } else {
    info.name = graph_.value(node.operand(0)).name();
  }
  if (info.name.empty()) info.name = StrCat(node.info().text_name, '_', impl_->infos.size());
  info.kernel = kernel;
  info.macs = ir::MacsOf(graph_, node) * options_.batch;
  for (ValueId id : planned_.back().operands) {
    if (id == kNoValue) continue;
    info.bytes += TypeOf(id).size_bytes();
  }
  for (ValueId id : planned_.back().results) info.bytes += TypeOf(id).size_bytes();
  if (node.operand(0) != kNoValue) {
    const DType dtype = TypeOf(node.operand(0)).dtype;
    info.integer = dtype == DType::kI8 || dtype == DType::kU8;
  }
  impl_->infos.push_back(std::move(info));
}

Status Compiler::AddStep(const Node& node, size_t position) {
  std::vector<ConstTensorView> operands;
  for (ValueId id : node.operands()) operands.push_back(SpecView(id));
  operands.resize(std::max(operands.size(), node.info().operands.size()));
  std::vector<TensorType> results;
  for (ValueId id : node.results()) results.push_back(TypeOf(id));

  const std::vector<const Node*> chain = EpilogueChain(node, position);
  std::vector<kernels::Epilogue> epilogue;
  std::vector<ValueId> epilogue_operands;  // of each link: its tensor operand, or none
  ValueId value = node.results().empty() ? kNoValue : node.result();
  for (const Node* link : chain) {
    kernels::Epilogue entry;
    entry.attributes = &link->attributes();
    entry.result = TypeOf(link->result());
    ValueId other = kNoValue;
    if (link->op() == OpKind::kMaxPool2d) {
      entry.kind = kernels::Epilogue::Kind::kMaxPool2d;
    } else {
      entry.kind = link->op() == OpKind::kAdd ? kernels::Epilogue::Kind::kAdd
                                              : kernels::Epilogue::Kind::kMultiply;
      other = link->operand(0) == value ? link->operand(1) : link->operand(0);
      entry.operand = SpecView(other);
    }
    epilogue_operands.push_back(other != kNoValue && !IsConstant(other) ? other : kNoValue);
    epilogue.push_back(std::move(entry));
    value = link->result();
  }

  kernels::KernelSpec spec;
  spec.operands = operands;
  spec.results = results;
  spec.attributes = &node.attributes();
  spec.threads = options_.threads;
  for (size_t length = chain.size() + 1; length-- > 0;) {
    spec.epilogue = std::span(epilogue).first(length);
    ChosenKernel chosen = ChooseKernel(node.op(), spec, options_.cpu);
    if (chosen.kernel == nullptr) continue;

    PlannedStep planned;
    planned.operands = node.operands();
    planned.operands.resize(operands.size(), kNoValue);
    for (size_t link = 0; link < length; ++link) {
      if (epilogue_operands[link] != kNoValue) planned.operands.push_back(epilogue_operands[link]);
      fused_[position_[Index(chain[link]->result())]] = true;
    }
    planned.results = length == 0 ? node.results() : std::vector{chain[length - 1]->result()};
    planned.in_place = length == 0 && WorksInPlace(node.op());
    planned.scratch_bytes = chosen.kernel->scratch_bytes();
    planned_.push_back(std::move(planned));
    Describe(node, std::span(chain).first(length), chosen.name);
    impl_->packed_bytes += static_cast<int64_t>(chosen.kernel->packed_bytes());
    impl_->steps.emplace_back().kernel = std::move(chosen.kernel);
    return OkStatus();
  }
  std::string types;
  for (const ConstTensorView& operand : operands) {
    types += StrCat(types.empty() ? "" : ", ", operand.type ? operand.type->ToString() : "none");
  }
  return Unsupported(node.info().text_name, '(', types, "): no kernel takes these operands",
                     node.results().empty() ? "" : " -> ",
                     node.results().empty() ? "" : results[0].ToString());
}

void Compiler::AddCopies() {
  for (size_t i = 0; i < graph_.outputs().size(); ++i) {
    const ValueId id = graph_.outputs()[i];
    if (output_of_[Index(Root(id))] == static_cast<int>(i)) continue;
    PlannedStep planned;
    planned.operands = {id};
    planned_.push_back(std::move(planned));
    const TensorType& type = TypeOf(id);
    StepInfo info;
    info.name = graph_.value(id).name();
    info.op = "copy";
    info.kernel = "copy/reference";
    info.result = type.ToString();
    info.bytes = 2 * type.size_bytes();
    impl_->infos.push_back(std::move(info));
    Step& step = impl_->steps.emplace_back();
    step.kernel = std::make_unique<CopyKernel>(static_cast<size_t>(type.size_bytes()));
    step.results.push_back({&type, nullptr});
    impl_->output_patches.push_back({impl_->steps.size() - 1, 0, i});
  }
}

Status Compiler::PlaceValues() {
  // Lives of the roots that live in the arena; a root that takes over another's place shares its
  // block.
  std::vector<int> block_of(impl_->types.size(), -1);
  std::vector<BlockLifetime> blocks;
  auto in_arena = [&](ValueId root) {
    return graph_.value(root).kind() == ir::Value::Kind::kResult && output_of_[Index(root)] < 0;
  };
  std::vector<int> last_read(impl_->types.size(), -1);
  for (size_t s = 0; s < planned_.size(); ++s) {
    for (ValueId id : planned_[s].operands) {
      if (id != kNoValue) last_read[Index(Root(id))] = static_cast<int>(s);
    }
  }
  std::vector<int> scratch_block(planned_.size(), -1);
  for (size_t s = 0; s < planned_.size(); ++s) {
    const PlannedStep& step = planned_[s];
    const int now = static_cast<int>(s);
    for (ValueId result : step.results) {
      const ValueId root = Root(result);
      if (!in_arena(root)) continue;
      const int64_t size = TypeOf(root).size_bytes();
      const int last = std::max(now, last_read[Index(root)]);
      if (step.in_place && step.operands[0] != kNoValue) {
        const ValueId source = Root(step.operands[0]);
        const auto same_root =
            std::count_if(step.operands.begin(), step.operands.end(),
                          [&](ValueId id) { return id != kNoValue && Root(id) == source; });
        if (in_arena(source) && last_read[Index(source)] == now && same_root == 1 &&
            TypeOf(source).size_bytes() == size) {
          block_of[Index(root)] = block_of[Index(source)];
          auto& block = blocks[static_cast<size_t>(block_of[Index(source)])];
          block.last = std::max(block.last, last);
          continue;
        }
      }
      block_of[Index(root)] = static_cast<int>(blocks.size());
      blocks.push_back({size, now, last});
    }
    if (step.scratch_bytes > 0) {
      scratch_block[s] = static_cast<int>(blocks.size());
      blocks.push_back({static_cast<int64_t>(step.scratch_bytes), now, now});
    }
  }
  const MemoryPlan plan = PlanMemory(blocks);
  impl_->arena_bytes = plan.arena_bytes;
  TERSOR_ASSIGN_OR_RETURN(impl_->arena, Buffer::Allocate(static_cast<size_t>(plan.arena_bytes)));
  auto* arena = static_cast<std::byte*>(impl_->arena->data());
  auto block_data = [&](int block) { return arena + plan.offsets[static_cast<size_t>(block)]; };

  std::vector<int> input_of(impl_->types.size(), -1);
  for (size_t i = 0; i < graph_.inputs().size(); ++i) {
    input_of[Index(graph_.inputs()[i])] = static_cast<int>(i);
  }
  for (size_t s = 0; s < planned_.size(); ++s) {
    Step& step = impl_->steps[s];
    if (scratch_block[s] >= 0) step.scratch = block_data(scratch_block[s]);
    for (ValueId id : planned_[s].operands) {
      ConstTensorView view;
      if (id != kNoValue) {
        view.type = &TypeOf(id);
        const ValueId root = Root(id);
        const size_t place = step.operands.size();
        if (graph_.value(root).is_variable()) {
          view.data = graph_.value(root).data().view().data;
        } else if (input_of[Index(root)] >= 0) {
          impl_->input_patches.push_back({s, place, static_cast<size_t>(input_of[Index(root)])});
        } else if (output_of_[Index(root)] >= 0) {
          impl_->output_operand_patches.push_back(
              {s, place, static_cast<size_t>(output_of_[Index(root)])});
        } else {
          view.data = block_data(block_of[Index(root)]);
        }
      }
      step.operands.push_back(view);
    }
    for (ValueId id : planned_[s].results) {
      const ValueId root = Root(id);
      TensorView view{&TypeOf(id), nullptr};
      if (output_of_[Index(root)] >= 0) {
        impl_->output_patches.push_back(
            {s, step.results.size(), static_cast<size_t>(output_of_[Index(root)])});
      } else {
        view.data = block_data(block_of[Index(root)]);
      }
      step.results.push_back(view);
    }
  }
  return OkStatus();
}

Status Compiler::CompileInto(Executable::Impl* impl) {
  impl_ = impl;
  TERSOR_RETURN_IF_ERROR(BindTypes());
  TERSOR_RETURN_IF_ERROR(CheckVariables());
  for (size_t i = graph_.outputs().size(); i-- > 0;) {
    const ValueId id = graph_.outputs()[i];
    if (graph_.value(id).kind() == ir::Value::Kind::kResult) {
      output_of_[Index(id)] = static_cast<int>(i);
    }
  }
  fused_.assign(graph_.nodes().size(), false);
  for (size_t i = 0; i < graph_.nodes().size(); ++i) {
    const Node& node = *graph_.nodes()[i];
    if (fused_[i] || AliasReshape(node)) continue;
    TERSOR_RETURN_IF_ERROR(AddStep(node, i));
  }
  AddCopies();
  TERSOR_RETURN_IF_ERROR(PlaceValues());

  if (options_.pool != nullptr) {
    if (options_.pool->threads() != options_.threads) {
      return InvalidArgument("the pool has ", options_.pool->threads(),
                             " threads, the options say ", options_.threads);
    }
    impl->pool = options_.pool;
  } else {
    TERSOR_ASSIGN_OR_RETURN(impl->own_pool, ThreadPool::Create(options_.threads));
    impl->pool = &impl->own_pool;
  }
  impl->shards = options_.shards;
  impl->shard = options_.shard;
  impl->profile = options_.profile;
  return OkStatus();
}

}  // namespace

Result<Executable> Compile(const ir::Graph& graph, const CompileOptions& options) {
  auto impl = std::make_unique<Executable::Impl>();
  TERSOR_RETURN_IF_ERROR(Compiler(graph, options).CompileInto(impl.get()));
  return Executable(std::move(impl));
}

}  // namespace tersor::runtime
