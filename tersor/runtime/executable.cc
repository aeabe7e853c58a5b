#include "tersor/runtime/executable.h"

#include <chrono>

#include "tersor/runtime/executable_impl.h"

namespace tersor::runtime {
namespace {

template <typename View>
Status CheckView(std::string_view what, size_t index, const View& view,
                 const TensorType& expected) {
  if (view.type == nullptr || view.data == nullptr) {
    return InvalidArgument(what, ' ', index, ": no data");
  }
  if (view.type->dtype != expected.dtype || view.type->shape != expected.shape) {
    return InvalidArgument(what, ' ', index, ": expected ", expected.ToString(), ", found ",
                           view.type->ToString());
  }
  return OkStatus();
}

}  // namespace

Executable::Executable(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Executable::Executable(Executable&&) noexcept = default;
Executable& Executable::operator=(Executable&&) noexcept = default;
Executable::~Executable() = default;

const std::vector<TensorType>& Executable::input_types() const { return impl_->input_types; }
const std::vector<TensorType>& Executable::output_types() const { return impl_->output_types; }
int64_t Executable::arena_bytes() const { return impl_->arena_bytes; }
int64_t Executable::packed_bytes() const { return impl_->packed_bytes; }
const std::vector<StepInfo>& Executable::steps() const { return impl_->infos; }
void Executable::set_first_example(int64_t first_example) { impl_->first_example = first_example; }

void Executable::ResetProfile() {
  for (StepInfo& info : impl_->infos) {
    info.total_us = 0;
    info.runs = 0;
  }
}

Status Executable::Impl::CheckViews(std::span<const ConstTensorView> inputs,
                                    std::span<const TensorView> outputs) const {
  if (inputs.size() != input_types.size()) {
    return InvalidArgument("expected ", input_types.size(), " inputs, found ", inputs.size());
  }
  if (outputs.size() != output_types.size()) {
    return InvalidArgument("expected ", output_types.size(), " outputs, found ", outputs.size());
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    TERSOR_RETURN_IF_ERROR(CheckView("input", i, inputs[i], input_types[i]));
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    TERSOR_RETURN_IF_ERROR(CheckView("output", i, outputs[i], output_types[i]));
  }
  return OkStatus();
}

Status Executable::Run(std::span<const ConstTensorView> inputs,
                       std::span<const TensorView> outputs) {
  Impl& impl = *impl_;
  TERSOR_RETURN_IF_ERROR(impl.CheckViews(inputs, outputs));
  for (const auto& patch : impl.input_patches) {
    impl.steps[patch.step].operands[patch.place].data = inputs[patch.index].data;
  }
  for (const auto& patch : impl.output_patches) {
    impl.steps[patch.step].results[patch.place].data = outputs[patch.index].data;
  }
  for (const auto& patch : impl.output_operand_patches) {
    impl.steps[patch.step].operands[patch.place].data = outputs[patch.index].data;
  }
  kernels::KernelCall call;
  call.pool = impl.pool;
  call.shards = impl.shards;
  call.shard = impl.shard;
  call.first_example = impl.first_example;
  if (!impl.profile) {
    for (const Step& step : impl.steps) {
      call.operands = step.operands;
      call.results = step.results;
      call.scratch = step.scratch;
      step.kernel->Run(call);
    }
    return OkStatus();
  }
  auto before = std::chrono::steady_clock::now();
  for (size_t i = 0; i < impl.steps.size(); ++i) {
    const Step& step = impl.steps[i];
    call.operands = step.operands;
    call.results = step.results;
    call.scratch = step.scratch;
    step.kernel->Run(call);
    const auto after = std::chrono::steady_clock::now();
    impl.infos[i].total_us += std::chrono::duration<double, std::micro>(after - before).count();
    ++impl.infos[i].runs;
    before = after;
  }
  return OkStatus();
}

Result<std::vector<Tensor>> RunOnce(const ir::Graph& graph, std::span<const Tensor> inputs,
                                    const CompileOptions& options) {
  CompileOptions bound = options;
  for (size_t i = 0; i < inputs.size() && i < graph.inputs().size(); ++i) {
    if (graph.value(graph.inputs()[i]).type().shape.HasBatch() &&
        inputs[i].type().shape.rank() > 0) {
      bound.batch = inputs[i].type().shape[0];
      break;
    }
  }
  TERSOR_ASSIGN_OR_RETURN(Executable executable, Compile(graph, bound));
  std::vector<ConstTensorView> input_views;
  for (const Tensor& input : inputs) input_views.push_back(input.view());
  std::vector<Tensor> outputs;
  for (const TensorType& type : executable.output_types()) {
    TERSOR_ASSIGN_OR_RETURN(Tensor output, Tensor::Create(type));
    outputs.push_back(std::move(output));
  }
  std::vector<TensorView> output_views;
  for (Tensor& output : outputs) output_views.push_back(output.mutable_view());
  TERSOR_RETURN_IF_ERROR(executable.Run(input_views, output_views));
  return outputs;
}

}  // namespace tersor::runtime
