#include "tersor/runtime/plan_bytes.h"

#include <utility>
#include <variant>

#include "tersor/runtime/kernel_table.h"

namespace tersor::runtime {
namespace {

using ir::ValueId;

class PlanWriter {
 public:
  explicit PlanWriter(WireWriter& out) : out_(out) {}

  void Run(const Plan& plan) {
    out_.Text(plan.name);
    out_.Signed(plan.batch);
    out_.Signed(plan.threads);
    out_.Byte(static_cast<uint8_t>(plan.cpu));
    Ids(plan.inputs);
    Ids(plan.outputs);
    List(plan.values, [this](const PlannedValue& value) { Write(value); });
    out_.Unsigned(plan.variables.size());
    List(plan.steps, [this](const PlanStep& step) { Write(step); });
    out_.Signed(plan.arena_bytes);
    out_.Signed(plan.packed_bytes);
  }

 private:
  template <typename Item, typename Writer>
  void List(const std::vector<Item>& items, Writer write) {
    out_.Unsigned(items.size());
    for (const Item& item : items) write(item);
  }
  void Ids(const std::vector<ValueId>& ids) {
    List(ids, [this](ValueId id) { out_.Signed(id); });
  }
  void Integers(const std::vector<int64_t>& values) {
    List(values, [this](int64_t value) { out_.Signed(value); });
  }

  void Write(const TensorType& type) {
    out_.Byte(static_cast<uint8_t>(type.dtype));
    Integers(type.shape.dims());
    out_.Byte(type.quantization ? 1 : 0);
    if (!type.quantization) return;
    out_.Signed(type.quantization->axis);
    out_.Signed(type.quantization->group_size);
    List(type.quantization->scales, [this](float scale) { out_.Float(scale); });
    List(type.quantization->zero_points, [this](int32_t point) { out_.Signed(point); });
  }

  void Write(const PlannedValue& value) {
    out_.Text(value.name);
    Write(value.type);
    out_.Byte(static_cast<uint8_t>(value.place));
    out_.Signed(value.at);
    out_.Signed(value.storage);
  }

  void Write(bool value) { out_.Byte(value ? 1 : 0); }
  void Write(int64_t value) { out_.Signed(value); }
  void Write(double value) { out_.Double(value); }
  void Write(const std::vector<int64_t>& values) { Integers(values); }
  void Write(DType dtype) { out_.Byte(static_cast<uint8_t>(dtype)); }
  void Write(Activation activation) { out_.Byte(static_cast<uint8_t>(activation)); }
  void Write(const Padding& padding) {
    out_.Byte(static_cast<uint8_t>(padding.kind));
    for (int64_t cells : {padding.top, padding.bottom, padding.left, padding.right}) {
      out_.Signed(cells);
    }
  }

  void Write(const Attributes& attributes) {
    List(attributes.items(), [this](const std::pair<Attr, AttrValue>& item) {
      out_.Byte(static_cast<uint8_t>(item.first));
      out_.Byte(static_cast<uint8_t>(item.second.index()));
      std::visit([this](const auto& value) { Write(value); }, item.second);
    });
  }

  void Write(const PlannedLink& link) {
    out_.Byte(static_cast<uint8_t>(link.kind));
    out_.Signed(link.operand);
    Write(link.attributes);
    out_.Signed(link.result);
  }

  void Write(const PlanStep& step) {
    out_.Text(step.info.name);
    out_.Text(step.info.op);
    out_.Text(step.info.kernel);
    out_.Text(step.info.result);
    out_.Signed(step.info.macs);
    Write(step.info.integer);
    out_.Signed(step.info.bytes);
    out_.Byte(static_cast<uint8_t>(step.op));
    Write(step.attributes);
    Ids(step.operator_operands);
    Ids(step.operator_results);
    List(step.epilogue, [this](const PlannedLink& link) { Write(link); });
    Ids(step.operands);
    Ids(step.results);
    out_.Signed(step.over);
    out_.Signed(step.scratch_bytes);
    out_.Signed(step.scratch_at);
  }

  WireWriter& out_;
};

class PlanReader {
 public:
  explicit PlanReader(WireReader& in) : in_(in) {}

  Result<Plan> Run() {
    Plan plan;
    plan.name = in_.Text();
    plan.batch = in_.Signed();
    Read(plan.threads);
    Read(plan.cpu);
    Read(plan.inputs);
    Read(plan.outputs);
    Read(plan.values);
    plan.variables.resize(in_.Count());
    plan.encoded.resize(plan.variables.size());
    Read(plan.steps);
    plan.arena_bytes = in_.Signed();
    plan.packed_bytes = in_.Signed();
    TERSOR_RETURN_IF_ERROR(in_.status());
    return plan;
  }

 private:
  void Read(bool& value) { value = in_.Byte() != 0; }
  void Read(int64_t& value) { value = in_.Signed(); }
  void Read(int32_t& value) { value = static_cast<int32_t>(in_.Signed()); }
  void Read(float& value) { value = in_.Float(); }
  void Read(double& value) { value = in_.Double(); }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  void Read(Enum& value) { value = static_cast<Enum>(in_.Byte()); }
  template <typename Item>
  void Read(std::vector<Item>& items) {
    items.resize(in_.Count());
    for (Item& item : items) Read(item);
  }

  void Read(TensorType& type) {
    Read(type.dtype);
    std::vector<int64_t> dims;
    Read(dims);
    type.shape = Shape(std::move(dims));
    if (in_.Byte() == 0) return;
    Quantization& quantization = type.quantization.emplace();
    Read(quantization.axis);
    Read(quantization.group_size);
    Read(quantization.scales);
    Read(quantization.zero_points);
  }

  void Read(PlannedValue& value) {
    value.name = in_.Text();
    Read(value.type);
    Read(value.place);
    Read(value.at);
    Read(value.storage);
  }

  void Read(Padding& padding) {
    Read(padding.kind);
    for (int64_t* cells : {&padding.top, &padding.bottom, &padding.left, &padding.right}) {
      Read(*cells);
    }
  }

  // The value of the variant's alternative number `index`.
  template <size_t at = 0>
  AttrValue ReadAttribute(size_t index) {
    if constexpr (at + 1 < std::variant_size_v<AttrValue>) {
      if (index != at) return ReadAttribute<at + 1>(index);
    }
    std::variant_alternative_t<at, AttrValue> value{};
    Read(value);
    return value;
  }

  void Read(Attributes& attributes) {
    const size_t count = in_.Count();
    for (size_t i = 0; i < count; ++i) {
      const auto attr = static_cast<Attr>(in_.Byte());
      attributes.Set(attr, ReadAttribute(in_.Byte()));
    }
  }

  void Read(PlannedLink& link) {
    Read(link.kind);
    Read(link.operand);
    Read(link.attributes);
    Read(link.result);
  }

  void Read(PlanStep& step) {
    step.info.name = in_.Text();
    step.info.op = in_.Text();
    step.info.kernel = in_.Text();
    step.info.result = in_.Text();
    Read(step.info.macs);
    Read(step.info.integer);
    Read(step.info.bytes);
    Read(step.op);
    Read(step.attributes);
    Read(step.operator_operands);
    Read(step.operator_results);
    Read(step.epilogue);
    Read(step.operands);
    Read(step.results);
    Read(step.over);
    Read(step.scratch_bytes);
    Read(step.scratch_at);
  }

  WireReader& in_;
};

}  // namespace

void WritePlan(const Plan& plan, WireWriter& out) { PlanWriter(out).Run(plan); }

Result<Plan> ReadPlan(WireReader& in) { return PlanReader(in).Run(); }

Status MakeKernels(Plan& plan, CpuFeatures cpu) {
  for (PlanStep& step : plan.steps) {
    step.kernel = MakeNamedKernel(step.op, step.info.kernel, KernelCase(plan, step).spec(), cpu);
    if (step.kernel == nullptr ||
        static_cast<int64_t>(step.kernel->scratch_bytes()) != step.scratch_bytes) {
      return Unsupported("step '", step.info.name, "': this library and this CPU have no ",
                         step.info.kernel, " as its plan needs it");
    }
  }
  return OkStatus();
}

}  // namespace tersor::runtime
