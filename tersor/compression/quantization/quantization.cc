#include "tersor/compression/quantization/quantization.h"

#include <algorithm>
#include <cmath>

#include "tersor/base/float16.h"
#include "tersor/compression/quantization/full_integer.h"
#include "tersor/compression/quantization/parameters.h"
#include "tersor/compression/quantization/prepare.h"
#include "tersor/compression/quantization/scale_plan.h"
#include "tersor/ir/verifier.h"
#include "tersor/transforms/constants.h"

namespace tersor::compression {
namespace {

using ir::Node;
using ir::OpKind;
using ir::ValueId;

constexpr float kLargestF16 = 65504;

Status CheckModel(const ir::Graph& model) {
  for (const auto& node : model.nodes()) {
    if (node->info().mutates()) {
      return InvalidArgument("the graph trains (", node->info().text_name,
                             "), expected one for inference");
    }
    for (ValueId id : node->results()) {
      const TensorType& type = model.value(id).type();
      if (!type.quantization) continue;
      return InvalidArgument("the model is quantized already: ", node->info().text_name, ' ',
                             transforms::NameOf(model, id), " is ", type.ToString(),
                             ", expected f32");
    }
  }
  for (ValueId id : model.inputs()) {
    if (!model.value(id).type().quantization) continue;
    return InvalidArgument("the model is quantized already: input '", model.value(id).name(),
                           "' is ", model.value(id).type().ToString(), ", expected f32");
  }
  return OkStatus();
}

// The constants of a graph that one node reads, narrowed.
class WeightNarrower {
 public:
  WeightNarrower(ir::Graph& graph, const QuantizationOptions& options, TechniqueReport& report)
      : graph_(graph), options_(options), report_(report) {}

  Status Run() {
    const std::vector<bool> constants = transforms::FindConstants(graph_);
    for (ValueId id : std::vector(graph_.variables())) {
      const ir::Value& variable = graph_.value(id);
      if (!constants[static_cast<size_t>(id)] || variable.type().dtype != DType::kF32) continue;
      TERSOR_RETURN_IF_ERROR(Narrow(id));
    }
    return OkStatus();
  }

 private:
  void LeaveOut(ValueId id, std::string why) {
    report_.left_out.push_back({graph_.value(id).name(), "variable", std::move(why)});
  }

  Status Narrow(ValueId id) {
    const std::vector<Node*> users = graph_.UsersOf(id);
    if (users.empty() || graph_.IsOutput(id)) return OkStatus();
    const QuantizationSetting* setting = nullptr;
    for (const Node* user : users) {
      setting = &options_.settings.For(
          user->op(), {graph_.value(id).name(),
                       user->results().empty() ? "" : graph_.value(user->result()).name()});
      if (setting->skip) return LeaveOut(id, "excluded"), OkStatus();
    }
    for (float x : graph_.value(id).data().values<float>()) {
      if (!std::isfinite(x)) {
        return InvalidArgument("variable '", graph_.value(id).name(), "' holds ", x,
                               ", expected finite numbers");
      }
    }
    if (options_.kind == QuantizationKind::kFloat16) return ToFloat16(id, users[0]);
    const bool filter = std::all_of(users.begin(), users.end(), [&](const Node* user) {
      return user->info().is_layer() && user->operand(user->info().weight()) == id;
    });
    if (!filter) return LeaveOut(id, "is no filter"), OkStatus();
    return ToInteger(id, users, setting->per_channel);
  }

  Status ToFloat16(ValueId id, const Node* first_user) {
    const auto values = graph_.value(id).data().values<float>();
    if (static_cast<int64_t>(values.size()) * 2 < options_.minimum_saved_bytes) {
      return LeaveOut(id, "would save too little"), OkStatus();
    }
    std::vector<uint16_t> halves;
    for (float x : values) {
      if (std::fabs(x) > kLargestF16) {
        return LeaveOut(id, StrCat("holds ", x, ", f16 ends at 65504")), OkStatus();
      }
      halves.push_back(FloatToF16(x));
    }
    TERSOR_ASSIGN_OR_RETURN(
        Tensor tensor, Tensor::FromValues<uint16_t>(
                           {DType::kF16, graph_.value(id).type().shape, {}}, std::span(halves)));
    Attributes to_f32;
    to_f32.Set(Attr::dtype, DType::kF32);
    return Read(id, std::move(tensor), OpKind::kCast, to_f32, first_user, "f16");
  }

  Status ToInteger(ValueId id, const std::vector<Node*>& users, bool per_channel) {
    const ir::Value& variable = graph_.value(id);
    const auto values = variable.data().values<float>();
    const int64_t outputs = variable.type().shape[0];
    const int64_t scale_bytes = per_channel ? 4 * outputs : 4;
    if (static_cast<int64_t>(values.size()) * 3 - scale_bytes < options_.minimum_saved_bytes) {
      return LeaveOut(id, "would save too little"), OkStatus();
    }
    const Quantization scales = WeightParameters(values, outputs, per_channel);
    const std::vector<int8_t> integers = QuantizeWeights(values, scales, outputs);
    TERSOR_ASSIGN_OR_RETURN(Tensor tensor,
                            Tensor::FromValues<int8_t>({DType::kI8, variable.type().shape, scales},
                                                       std::span(integers)));
    const std::string note = per_channel ? "i8 with a scale per channel" : "i8 with one scale";
    if (options_.kind == QuantizationKind::kWeightOnly) {
      return Read(id, std::move(tensor), OpKind::kDequantize, {}, users[0], note);
    }
    const std::string name = variable.name();
    const ValueId narrow = graph_.AddVariable(name, std::move(tensor), variable.trainable());
    for (Node* user : users) graph_.SetOperand(user, 1, narrow);
    graph_.RemoveVariable(id);
    graph_.SetName(narrow, name);
    report_.changed.push_back({name, "variable", note});
    return OkStatus();
  }

  // Everybody reads `narrow` through `op` instead of `id`.
  Status Read(ValueId id, Tensor narrow, OpKind op, Attributes attributes, const Node* before,
              const std::string& note) {
    const std::string name = graph_.value(id).name();
    const ValueId stored =
        graph_.AddVariable(name, std::move(narrow), graph_.value(id).trainable());
    TERSOR_ASSIGN_OR_RETURN(const Node* node, graph_.AddNode(op, {stored}, std::move(attributes),
                                                             std::nullopt, before));
    graph_.ReplaceUses(id, node->result());
    graph_.RemoveVariable(id);
    graph_.SetName(stored, name);
    report_.changed.push_back({name, "variable", note});
    return OkStatus();
  }

  ir::Graph& graph_;
  const QuantizationOptions& options_;
  TechniqueReport& report_;
};

// The form of the model that is quantized: the one that was calibrated, where there is one.
Result<ir::Graph> Prepare(const ir::Graph& model, const QuantizationOptions& options,
                          const CalibrationStatistics* statistics) {
  const bool integer = options.kind == QuantizationKind::kFullInteger;
  if (integer && (statistics == nullptr || statistics->examples == 0)) {
    return InvalidArgument("full-integer quantization needs calibration data: none was given");
  }
  const bool same = statistics != nullptr && statistics->model_hash == HashOf(model);
  if (integer && !same) {
    return InvalidArgument(
        "the calibration statistics are those of another model, or its weights have changed");
  }
  return same ? statistics->prepared.Clone() : PrepareForQuantization(model);
}

Status CheckSettings(const QuantizationOptions& options) {
  TERSOR_RETURN_IF_ERROR(CheckOptions(options));
  for (const auto& entry : options.settings.by_operator) {
    TERSOR_RETURN_IF_ERROR(CheckOptions(entry.second));
  }
  for (const auto& entry : options.settings.by_name) {
    TERSOR_RETURN_IF_ERROR(CheckOptions(entry.second));
  }
  return OkStatus();
}

}  // namespace

Result<ir::Graph> Quantize(const ir::Graph& model, const QuantizationOptions& options,
                           const CalibrationStatistics* statistics, TechniqueReport* report) {
  TechniqueReport unread;
  TechniqueReport& said = report == nullptr ? unread : *report;
  said = {};
  TERSOR_RETURN_IF_ERROR(CheckSettings(options));
  TERSOR_RETURN_IF_ERROR(CheckModel(model));
  TERSOR_ASSIGN_OR_RETURN(ir::Graph graph, Prepare(model, options, statistics));
  said.weight_bytes_before = WeightBytes(model);
  if (options.kind == QuantizationKind::kFullInteger) {
    TERSOR_ASSIGN_OR_RETURN(graph, QuantizeFullInteger(graph, options, *statistics, said));
  } else {
    TERSOR_RETURN_IF_ERROR(WeightNarrower(graph, options, said).Run());
  }
  if (Status status = ir::Verify(graph); !status.ok()) {
    return status.WithContext("after quantization");
  }
  graph.mutable_metadata()[kQuantizationKey] = OptionName(options.kind);
  said.weight_bytes_after = WeightBytes(graph);
  return graph;
}

}  // namespace tersor::compression
