#include "tersor/c_api/planned_models.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "tersor/base/encoded_tensor.h"
#include "tersor/base/wire.h"
#include "tersor/coding/coding.h"
#include "tersor/formats/native/native.h"
#include "tersor/runtime/plan_bytes.h"

namespace tersor {
namespace {

namespace native = formats::native;
using Place = runtime::PlannedValue::Place;

constexpr int kTableLevel = 19;

// A library whose models have dense weights alone is built without the encodings.
#if defined(TERSOR_DENSE_WEIGHTS)
constexpr bool kReadsEncodings = false;
#else
constexpr bool kReadsEncodings = true;
#endif

void WriteNames(const ir::Graph& graph, const std::vector<ir::ValueId>& ids, WireWriter& out) {
  out.Unsigned(ids.size());
  for (ir::ValueId id : ids) out.Text(graph.value(id).name());
}

std::vector<std::string> ReadNames(WireReader& in) {
  std::vector<std::string> names(in.Count());
  for (std::string& name : names) name = in.Text();
  return names;
}

// A variable that a plan reads: its bytes in the file, and their encoding.
struct Weight {
  native::StoredBytes stored;
  Encoding encoding = Encoding::kDense;
  std::vector<int64_t> parameters;
};

void WriteWeight(const native::StoredBytes& stored, const EncodedTensor* encoded, WireWriter& out) {
  out.Byte(static_cast<uint8_t>(stored.placement));
  out.Byte(stored.flags);
  out.Unsigned(stored.size);
  out.Unsigned(stored.offset);
  out.Unsigned(stored.stored_size);
  out.Unsigned(stored.element_bytes);
  out.Byte(static_cast<uint8_t>(encoded == nullptr ? Encoding::kDense : encoded->encoding()));
  if (encoded == nullptr) return;
  out.Unsigned(encoded->parameters().size());
  for (int64_t parameter : encoded->parameters()) out.Signed(parameter);
}

Weight ReadWeight(WireReader& in) {
  Weight weight;
  weight.stored.placement = static_cast<native::Placement>(in.Byte());
  weight.stored.flags = in.Byte();
  weight.stored.size = in.Unsigned();
  weight.stored.offset = in.Unsigned();
  weight.stored.stored_size = in.Unsigned();
  weight.stored.element_bytes = in.Unsigned();
  weight.encoding = static_cast<Encoding>(in.Byte());
  if (weight.encoding == Encoding::kDense) return weight;
  weight.parameters.resize(in.Count());
  for (int64_t& parameter : weight.parameters) parameter = in.Signed();
  return weight;
}

// Gives variable number `at` of the plan its data from the file.
Status LoadWeight(const Weight& weight, native::Container& file, size_t at, runtime::Plan& plan) {
  const auto value = std::ranges::find_if(plan.values, [at](const runtime::PlannedValue& planned) {
    return planned.place == Place::kConstant && planned.at == static_cast<int64_t>(at);
  });
  TERSOR_CHECK(value != plan.values.end());
  TERSOR_ASSIGN_OR_RETURN(auto bytes, file.Read(weight.stored));
  if (weight.encoding == Encoding::kDense) {
    plan.variables[at] = Tensor(value->type, std::move(bytes));
    return OkStatus();
  }
  if constexpr (kReadsEncodings) {
    TERSOR_ASSIGN_OR_RETURN(
        plan.encoded[at],
        EncodedTensor::Create(weight.encoding, value->type, weight.parameters, std::move(bytes)));
    plan.variables[at] = plan.encoded[at]->dense();
    if (plan.variables[at].empty()) return ResourceExhausted("no memory for ", value->name);
    return OkStatus();
  }
  return Unsupported(value->name, ": this library is built without encoded weights");
}

// The record for a file with this structure.
Result<WireReader> FindRecord(WireReader table, std::span<const std::byte> structure) {
  const uint32_t checksum = native::Checksum(structure);
  const size_t count = table.Count();
  for (size_t i = 0; i < count; ++i) {
    const uint64_t size = table.Unsigned();
    const bool same_checksum = table.Fixed(4) == checksum;
    WireReader record(table.Bytes());
    if (size == structure.size() && same_checksum) return record;
  }
  TERSOR_RETURN_IF_ERROR(table.status());
  return Unsupported("this library is built for ", count, count == 1 ? " model" : " models",
                     ", and this file is none of them; scripts/runtime_min --for MODEL builds one");
}

// The first plan that fits the options.
Result<runtime::Plan> FindPlan(WireReader& record, const runtime::CompileOptions& options) {
  const size_t count = record.Count();
  std::string known;
  for (size_t i = 0; i < count; ++i) {
    WireReader bytes(record.Bytes());
    TERSOR_ASSIGN_OR_RETURN(runtime::Plan plan, runtime::ReadPlan(bytes));
    if (plan.threads == options.threads && plan.batch == options.batch &&
        options.cpu.Has(plan.cpu)) {
      return plan;
    }
    known += StrCat(i == 0 ? "" : ", ", "threads ", plan.threads, " batch ", plan.batch, " on ",
                    CpuLevelName(plan.cpu));
  }
  TERSOR_RETURN_IF_ERROR(record.status());
  return Unsupported("this library has no plan for threads ", options.threads, " batch ",
                     options.batch, " on this CPU (", CpuLevelName(options.cpu.best()),
                     "), it has: ", known);
}

Result<std::string> DecodeTable(std::span<const std::byte> table) {
  WireReader in(table);
  std::string decoded(in.Unsigned(), '\0');
  TERSOR_RETURN_IF_ERROR(coding::Decode(coding::Coding::kZstd, table.last(in.left()),
                                        std::as_writable_bytes(std::span(decoded))));
  return decoded;
}

}  // namespace

Result<std::string> PlannedModel(const std::shared_ptr<Buffer>& file,
                                 std::span<const runtime::CompileOptions> options) {
  TERSOR_ASSIGN_OR_RETURN(const native::Container container, native::Container::Open(file));
  TERSOR_ASSIGN_OR_RETURN(const native::StoredGraph stored, native::ImportStored(file));
  const ir::Graph& graph = stored.graph;
  WireWriter record;
  WriteNames(graph, graph.inputs(), record);
  WriteNames(graph, graph.outputs(), record);
  for (size_t i = 0; i < options.size(); ++i) {
    TERSOR_ASSIGN_OR_RETURN(const runtime::Plan plan, runtime::MakePlan(graph, options[i]));
    if (i == 0) {  // the variables are the same for all options
      record.Unsigned(plan.variables.size());
      for (const runtime::PlannedValue& value : plan.values) {
        if (value.place == Place::kVariable) {
          return Unsupported(value.name, ": the model changes its variable when it runs");
        }
      }
      size_t at = 0;
      for (ir::ValueId id : graph.variables()) {
        if (plan.value(id).place != Place::kConstant) continue;
        TERSOR_CHECK(plan.value(id).at == static_cast<int64_t>(at++));
        const auto bytes = std::ranges::find(stored.weights, graph.value(id).name(),
                                             [](const auto& weight) { return weight.first; });
        WriteWeight(bytes->second, graph.value(id).encoded().get(), record);
      }
      record.Unsigned(options.size());
    }
    WireWriter bytes;
    runtime::WritePlan(plan, bytes);
    record.Text(bytes.bytes());
  }
  WireWriter out;
  out.Unsigned(container.structure().size());
  out.Fixed(native::Checksum(container.structure()), 4);
  out.Text(record.bytes());
  return out.bytes();
}

std::string PlannedModelsTable(std::span<const std::string> records) {
  WireWriter table;
  table.Unsigned(records.size());
  for (const std::string& record : records) table.Raw(record);
  const std::string& bytes = table.bytes();
  WireWriter out;
  out.Unsigned(bytes.size());
  out.Raw(*coding::Encode(coding::Coding::kZstd, coding::AsBytes(bytes), SIZE_MAX, kTableLevel));
  return out.bytes();
}

Result<LoadedModel> OpenPlannedModel(std::span<const std::byte> table,
                                     const std::shared_ptr<Buffer>& file,
                                     const runtime::CompileOptions& options) {
  TERSOR_ASSIGN_OR_RETURN(const std::string decoded, DecodeTable(table));
  TERSOR_ASSIGN_OR_RETURN(native::Container container, native::Container::Open(file));
  TERSOR_ASSIGN_OR_RETURN(WireReader record,
                          FindRecord(WireReader(coding::AsBytes(decoded)), container.structure()));
  std::vector<std::string> inputs = ReadNames(record), outputs = ReadNames(record);
  std::vector<Weight> weights(record.Count());
  for (Weight& weight : weights) weight = ReadWeight(record);
  TERSOR_ASSIGN_OR_RETURN(runtime::Plan plan, FindPlan(record, options));
  for (size_t i = 0; i < weights.size(); ++i) {
    TERSOR_RETURN_IF_ERROR(LoadWeight(weights[i], container, i, plan));
  }
  TERSOR_RETURN_IF_ERROR(runtime::MakeKernels(plan, options.cpu));
  TERSOR_ASSIGN_OR_RETURN(auto executable, runtime::Bind(std::move(plan), options));
  return LoadedModel{std::move(executable), std::move(inputs), std::move(outputs)};
}

}  // namespace tersor
