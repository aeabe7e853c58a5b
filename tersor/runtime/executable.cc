#include "tersor/runtime/executable.h"

#include <chrono>

#include "tersor/runtime/executable_impl.h"
#include "tersor/runtime/extents.h"

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
int64_t Executable::arena_bytes() const { return impl_->plan.arena_bytes; }
int64_t Executable::packed_bytes() const { return impl_->plan.packed_bytes; }
const Plan& Executable::plan() const { return impl_->plan; }

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

void Executable::Impl::SetPointers(std::span<const ConstTensorView> inputs,
                                   std::span<const TensorView> outputs) {
  for (const CallerPointer& pointer : from_inputs) {
    steps[pointer.step].operands[pointer.place].data = inputs[pointer.index].data;
  }
  for (const CallerPointer& pointer : to_outputs) {
    steps[pointer.step].results[pointer.place].data = outputs[pointer.index].data;
  }
  for (const CallerPointer& pointer : from_outputs) {
    steps[pointer.step].operands[pointer.place].data = outputs[pointer.index].data;
  }
}

Status Executable::Run(std::span<const ConstTensorView> inputs,
                       std::span<const TensorView> outputs) {
  TERSOR_RETURN_IF_ERROR(impl_->CheckViews(inputs, outputs));
  impl_->SetPointers(inputs, outputs);
  for (const Impl::Step& step : impl_->steps) impl_->RunStep(step);
  return OkStatus();
}

Result<std::vector<Program::StepTime>> Executable::Profile(std::span<const ConstTensorView> inputs,
                                                           std::span<const TensorView> outputs,
                                                           int64_t runs) {
  using Clock = std::chrono::steady_clock;
  TERSOR_RETURN_IF_ERROR(impl_->CheckViews(inputs, outputs));
  impl_->SetPointers(inputs, outputs);
  std::vector<StepTime> times;
  for (const PlanStep& step : impl_->plan.steps) times.push_back({step.info, 0, runs});
  for (int64_t run = 0; run < runs; ++run) {
    auto before = Clock::now();
    for (size_t i = 0; i < times.size(); ++i) {
      impl_->RunStep(impl_->steps[i]);
      const auto after = Clock::now();
      times[i].total_us += std::chrono::duration<double, std::micro>(after - before).count();
      before = after;
    }
  }
  return times;
}

Result<std::vector<Tensor>> RunOnce(const ir::Graph& graph, std::span<const Tensor> inputs,
                                    const CompileOptions& options) {
  CompileOptions bound = options;
  TERSOR_RETURN_IF_ERROR(TakeExtents(graph, inputs, bound));
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
