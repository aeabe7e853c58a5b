#include "tersor/runtime/plan.h"

#include <algorithm>

#include "tersor/ir/cost.h"
#include "tersor/runtime/epilogue_chain.h"
#include "tersor/runtime/extents.h"
#include "tersor/runtime/kernel_table.h"
#include "tersor/runtime/memory_plan.h"

namespace tersor::runtime {
namespace {

using ir::kNoValue;
using ir::Node;
using ir::OpKind;
using ir::ValueId;
using Place = PlannedValue::Place;

// The operands that the kernels of a node let its result be written over.
std::vector<ValueId> OperandsToWriteOver(const Node& node) {
  std::vector<ValueId> operands;
  const auto infos = node.info().operands;
  for (size_t i = 0; i < infos.size() && i < node.operands().size(); ++i) {
    if (infos[i].in_place) operands.push_back(node.operands()[i]);
  }
  return operands;
}

// The deployable runtime may have been built for some models alone.
#if defined(TERSOR_OPERATORS)
constexpr std::string_view kHowToGetKernels =
    "; scripts/runtime_min --for MODEL builds the library with the kernels of a model";
#else
constexpr std::string_view kHowToGetKernels = "";
#endif

class Planner {
 public:
  Planner(const ir::Graph& graph, const CompileOptions& options)
      : graph_(graph), options_(options), uses_(graph.UseCounts()) {}

  Result<Plan> Run();

 private:
  static size_t Index(ValueId id) { return static_cast<size_t>(id); }
  PlannedValue& Value(ValueId id) { return plan_.values[Index(id)]; }
  ValueId Root(ValueId id) {
    while (Value(id).storage != id) id = Value(id).storage;
    return id;
  }

  Status BindTypes();
  Status PlaceVariables();
  void PlaceInputsAndOutputs();
  bool BecomesView(const Node& node);
  Status AddStep(const Node& node, size_t position);
  Status NoKernel(const Node& node, const PlanStep& step) const;
  void Describe(const Node& node, std::span<const EpilogueLink> chain, PlanStep* step);
  void AddCopies();
  std::vector<int> LastReads();
  ValueId OperandToTakeOver(size_t s, const std::vector<int>& last_read);
  void PlaceInArena();

  const ir::Graph& graph_;
  const CompileOptions& options_;
  const std::vector<int> uses_;
  std::vector<TensorType> types_;                   // by value
  std::vector<bool> mutated_;                       // by value: an operator of the graph writes it
  std::vector<bool> constant_;                      // by value
  std::vector<size_t> position_;                    // by value: place of its producer in the graph
  std::vector<bool> fused_;                         // by node position
  std::vector<std::vector<ValueId>> overwritable_;  // by step: what its kernel may write over
  Plan plan_;
};

Status Planner::BindTypes() {
  TERSOR_RETURN_IF_ERROR(CheckExtents(graph_, options_));
  TERSOR_RETURN_IF_ERROR(CheckThreadCount(options_.threads));
  const auto count = static_cast<size_t>(graph_.num_values());
  plan_.values.resize(count);
  types_.resize(count);
  mutated_.assign(count, false);
  constant_.assign(count, false);
  position_.assign(count, 0);
  int unnamed = 0;
  auto bind = [&](ValueId id) -> Status {
    const ir::Value& value = graph_.value(id);
    auto bound = BindExtents(value.type(), options_);
    if (!bound.ok()) return bound.status().WithContext(StrCat("value ", value.name()));
    TensorType type = *std::move(bound);
    PlannedValue& planned = Value(id);
    planned.name = value.is_variable()    ? '@' + value.name()
                   : value.name().empty() ? StrCat('%', unnamed++)
                                          : '%' + value.name();
    planned.type = type;
    planned.storage = id;
    types_[Index(id)] = std::move(type);
    return OkStatus();
  };
  for (ValueId id : graph_.inputs()) TERSOR_RETURN_IF_ERROR(bind(id));
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
  return OkStatus();
}

Status Planner::PlaceVariables() {
  for (ValueId id : graph_.variables()) {
    const ir::Value& variable = graph_.value(id);
    constant_[Index(id)] = !mutated_[Index(id)] && !variable.host_written();
    if (uses_[Index(id)] == 0) continue;
    TERSOR_ASSIGN_OR_RETURN(Tensor data, ir::DenseData(variable));
    if (!constant_[Index(id)] && !data.buffer()->writable()) {
      return FailedPrecondition("variable '", variable.name(), "' is updated, but its data is ",
                                variable.encoded() != nullptr ? "encoded" : "mapped read-only");
    }
    Value(id).place = constant_[Index(id)] ? Place::kConstant : Place::kVariable;
    Value(id).at = static_cast<int64_t>(plan_.variables.size());
    plan_.variables.push_back(std::move(data));
    plan_.encoded.push_back(variable.encoded());
  }
  return OkStatus();
}

// A result that is an output is stored there, in the first of several.
void Planner::PlaceInputsAndOutputs() {
  plan_.inputs = graph_.inputs();
  plan_.outputs = graph_.outputs();
  for (size_t i = 0; i < plan_.inputs.size(); ++i) {
    Value(plan_.inputs[i]).place = Place::kInput;
    Value(plan_.inputs[i]).at = static_cast<int64_t>(i);
  }
  for (size_t i = plan_.outputs.size(); i-- > 0;) {
    if (graph_.value(plan_.outputs[i]).kind() != ir::Value::Kind::kResult) continue;
    Value(plan_.outputs[i]).place = Place::kOutput;
    Value(plan_.outputs[i]).at = static_cast<int64_t>(i);
  }
}

// A reshape of an intermediate value is the same bytes under another type: no step at all. (Of two
// that are outputs each needs bytes of its own.)
bool Planner::BecomesView(const Node& node) {
  if (node.op() != OpKind::kReshape) return false;
  const ValueId source = Root(node.operand(0)), result = node.result();
  if (graph_.value(source).kind() != ir::Value::Kind::kResult) return false;
  if (types_[Index(source)].size_bytes() != types_[Index(result)].size_bytes()) return false;
  const bool result_is_output = Value(result).place == Place::kOutput;
  if (result_is_output && Value(source).place == Place::kOutput) return false;
  Value(result).storage = source;
  if (result_is_output) {
    Value(source).place = Place::kOutput;
    Value(source).at = Value(result).at;
  }
  return true;
}

void Planner::Describe(const Node& node, std::span<const EpilogueLink> chain, PlanStep* step) {
  const Node& last = chain.empty() ? node : *chain.back().node;
  StepInfo& info = step->info;
  info.op = std::string(node.info().text_name);
  for (const EpilogueLink& link : chain) info.op += StrCat('+', link.node->info().text_name);
  if (!last.results().empty()) {
    info.name = graph_.value(last.result()).name();
    info.result = types_[Index(last.result())].ToString();
  } else {
    info.name = graph_.value(node.operand(0)).name();
  }
  if (info.name.empty()) info.name = StrCat(node.info().text_name, '_', plan_.steps.size());
  info.macs = ir::MacsOf(node, [&](ValueId id) -> const Shape& { return types_[Index(id)].shape; });
  for (ValueId id : step->operands) {
    if (id != kNoValue) info.bytes += types_[Index(id)].size_bytes();
  }
  for (ValueId id : step->results) info.bytes += types_[Index(id)].size_bytes();
  if (node.operand(0) != kNoValue) {
    const DType dtype = types_[Index(node.operand(0))].dtype;
    info.integer = dtype == DType::kI8 || dtype == DType::kU8;
  }
}

Status Planner::NoKernel(const Node& node, const PlanStep& step) const {
  std::string types;
  for (ValueId id : step.operator_operands) {
    types +=
        StrCat(types.empty() ? "" : ", ", id == kNoValue ? "none" : types_[Index(id)].ToString());
  }
  return Unsupported(node.info().text_name, '(', types, "): no kernel takes these operands",
                     node.results().empty() ? "" : " -> ",
                     node.results().empty() ? "" : types_[Index(node.result())].ToString(),
                     kHowToGetKernels);
}

Status Planner::AddStep(const Node& node, size_t position) {
  PlanStep step;
  step.op = node.op();
  step.attributes = node.attributes();
  step.operator_operands = node.operands();
  step.operator_operands.resize(std::max(node.operands().size(), node.info().operands.size()),
                                kNoValue);
  step.operator_results = node.results();
  std::vector<EpilogueLink> chain;
  if (options_.fuse_epilogues) {
    chain = FindEpilogueChain({graph_, uses_, types_, constant_, position_}, node, position);
  }
  for (const EpilogueLink& link : chain) step.epilogue.push_back(link.planned);
  for (;; step.epilogue.pop_back()) {
    ChosenKernel chosen = ChooseKernel(node.op(), KernelCase(plan_, step).spec(), options_.cpu);
    if (chosen.kernel == nullptr) {
      if (step.epilogue.empty()) return NoKernel(node, step);
      continue;
    }
    chain.resize(step.epilogue.size());
    step.operands = step.operator_operands;
    for (const EpilogueLink& link : chain) {
      const ValueId operand = link.planned.operand;
      if (operand != kNoValue && !constant_[Index(operand)]) step.operands.push_back(operand);
      fused_[position_[Index(link.planned.result)]] = true;
    }
    step.results = chain.empty() ? node.results() : std::vector{chain.back().planned.result};
    step.scratch_bytes = static_cast<int64_t>(chosen.kernel->scratch_bytes());
    step.info.kernel = std::move(chosen.name);
    Describe(node, chain, &step);
    plan_.packed_bytes += static_cast<int64_t>(chosen.kernel->packed_bytes());
    step.kernel = std::move(chosen.kernel);
    plan_.steps.push_back(std::move(step));
    overwritable_.resize(plan_.steps.size());
    if (chain.empty()) overwritable_.back() = OperandsToWriteOver(node);
    return OkStatus();
  }
}

// Outputs that are an input, a variable, or another output as well: the copy's only result is a
// place in the caller's memory, so it is added as a value of its own.
void Planner::AddCopies() {
  for (size_t i = 0; i < plan_.outputs.size(); ++i) {
    const ValueId id = plan_.outputs[i];
    const PlannedValue source = Value(Root(id));
    if (source.place == Place::kOutput && source.at == static_cast<int64_t>(i)) continue;
    const TensorType& type = types_[Index(id)];
    PlanStep step;
    step.operands = step.operator_operands = {id};
    step.results = step.operator_results = {static_cast<ValueId>(plan_.values.size())};
    step.info.name = graph_.value(id).name();
    step.info.op = "copy";
    step.info.kernel = kCopyKernel;
    step.info.result = type.ToString();
    step.info.bytes = 2 * type.size_bytes();
    step.kernel = MakeCopyKernel(static_cast<size_t>(type.size_bytes()));
    plan_.values.push_back(
        {StrCat("%output_", i), type, Place::kOutput, static_cast<int64_t>(i), step.results[0]});
    plan_.steps.push_back(std::move(step));
  }
}

// By root: the last step that reads it, or -1.
std::vector<int> Planner::LastReads() {
  std::vector<int> last_read(plan_.values.size(), -1);
  for (size_t s = 0; s < plan_.steps.size(); ++s) {
    for (ValueId id : plan_.steps[s].operands) {
      if (id != kNoValue) last_read[Index(Root(id))] = static_cast<int>(s);
    }
  }
  return last_read;
}

// The operand that the step stores its result over: one that its kernel lets be overwritten, that
// nobody reads again, and that the step itself reads in one place.
ValueId Planner::OperandToTakeOver(size_t s, const std::vector<int>& last_read) {
  const PlanStep& step = plan_.steps[s];
  if (s >= overwritable_.size() || step.results.size() != 1) return kNoValue;
  const PlannedValue& result = Value(Root(step.results[0]));
  for (ValueId operand : overwritable_[s]) {
    const ValueId source = Root(operand);
    if (Value(source).place != Place::kArena) continue;
    if (last_read[Index(source)] != static_cast<int>(s)) continue;
    const auto reads = std::ranges::count_if(
        step.operands, [&](ValueId id) { return id != kNoValue && Root(id) == source; });
    if (reads == 1 && Value(source).type.size_bytes() == result.type.size_bytes()) return operand;
  }
  return kNoValue;
}

// The blocks of the arena: stored results, each from the step that makes it to the last that reads
// it, and scratch. A result that takes over an operand shares its block.
void Planner::PlaceInArena() {
  const std::vector<int> last_read = LastReads();
  std::vector<BlockLifetime> blocks;
  std::vector<int> block_of(plan_.values.size(), -1), scratch_block(plan_.steps.size(), -1);
  for (size_t s = 0; s < plan_.steps.size(); ++s) {
    PlanStep& step = plan_.steps[s];
    const int now = static_cast<int>(s);
    step.over = OperandToTakeOver(s, last_read);
    for (ValueId result : step.results) {
      const ValueId root = Root(result);
      if (Value(root).place != Place::kNowhere) {
        step.over = kNoValue;
        continue;
      }
      Value(root).place = Place::kArena;
      const int last = std::max(now, last_read[Index(root)]);
      if (step.over != kNoValue) {
        const int block = block_of[Index(Root(step.over))];
        block_of[Index(root)] = block;
        blocks[static_cast<size_t>(block)].last = last;
      } else {
        block_of[Index(root)] = static_cast<int>(blocks.size());
        blocks.push_back({Value(root).type.size_bytes(), now, last});
      }
    }
    if (step.scratch_bytes > 0) {
      scratch_block[s] = static_cast<int>(blocks.size());
      blocks.push_back({step.scratch_bytes, now, now});
    }
  }
  const MemoryPlan memory = PlanMemory(blocks);
  plan_.arena_bytes = memory.arena_bytes;
  auto offset_of = [&](int block) { return memory.offsets[static_cast<size_t>(block)]; };
  for (size_t v = 0; v < plan_.values.size(); ++v) {
    PlannedValue& value = plan_.values[v];
    if (value.storage == kNoValue) continue;
    const ValueId root = Root(value.storage);
    value.storage = root;
    if (block_of[Index(root)] >= 0) Value(root).at = offset_of(block_of[Index(root)]);
    value.place = Value(root).place;
    value.at = Value(root).at;
  }
  for (size_t s = 0; s < plan_.steps.size(); ++s) {
    if (scratch_block[s] >= 0) plan_.steps[s].scratch_at = offset_of(scratch_block[s]);
  }
}

Result<Plan> Planner::Run() {
  plan_.name = graph_.name();
  plan_.batch = options_.batch;
  plan_.threads = options_.threads;
  plan_.cpu = options_.cpu.best();
  TERSOR_RETURN_IF_ERROR(BindTypes());
  TERSOR_RETURN_IF_ERROR(PlaceVariables());
  PlaceInputsAndOutputs();
  fused_.assign(graph_.nodes().size(), false);
  for (size_t i = 0; i < graph_.nodes().size(); ++i) {
    const Node& node = *graph_.nodes()[i];
    if (fused_[i] || BecomesView(node)) continue;
    TERSOR_RETURN_IF_ERROR(AddStep(node, i));
  }
  AddCopies();
  PlaceInArena();
  return std::move(plan_);
}

}  // namespace

Result<Plan> MakePlan(const ir::Graph& graph, const CompileOptions& options) {
  return Planner(graph, options).Run();
}

}  // namespace tersor::runtime
