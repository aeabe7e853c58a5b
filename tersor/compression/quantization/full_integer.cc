#include "tersor/compression/quantization/full_integer.h"

#include <cmath>
#include <map>
#include <utility>

#include "tersor/compression/quantization/parameters.h"
#include "tersor/compression/quantization/scale_plan.h"
#include "tersor/transforms/constants.h"

namespace tersor::compression {
namespace {

using ir::kNoValue;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

// Writes the integer graph beside the f32 one. A value has an integer version, a real one, or both:
// the second is made by quantizing or dequantizing the first where somebody reads it.
class IntegerWriter {
 public:
  IntegerWriter(const ir::Graph& source, const QuantizationOptions& options, const ScalePlan& plan,
                TechniqueReport& report)
      : source_(source),
        options_(options),
        plan_(plan),
        report_(report),
        integer_(static_cast<size_t>(source.num_values()), kNoValue),
        real_(static_cast<size_t>(source.num_values()), kNoValue),
        out_(source.name()) {}

  Result<ir::Graph> Write() {
    out_.mutable_metadata() = source_.metadata();
    for (ValueId id : source_.inputs()) {
      TensorType type = source_.value(id).type();
      const bool f32 = type.dtype == DType::kF32;
      if (f32) type = {DType::kI8, type.shape, plan_.of(id)};
      Slot(f32 ? integer_ : real_, id) = out_.AddInput(source_.value(id).name(), type);
    }
    for (size_t i = 0; i < source_.nodes().size(); ++i) {
      const Node& node = *source_.nodes()[i];
      if (const auto& reason = plan_.reason(i)) {
        TERSOR_RETURN_IF_ERROR(WriteReal(node));
        report_.left_out.push_back({NameOf(node), std::string(node.info().text_name), *reason});
      } else {
        TERSOR_RETURN_IF_ERROR(WriteInteger(node));
      }
    }
    for (ValueId id : source_.outputs()) {
      if (source_.value(id).type().dtype != DType::kF32) {
        TERSOR_ASSIGN_OR_RETURN(const ValueId output, Real(id));
        out_.AddOutput(output);
        continue;
      }
      const bool converted = Slot(integer_, id) == kNoValue;
      TERSOR_ASSIGN_OR_RETURN(const ValueId output, Integer(id));
      if (converted && !source_.value(id).is_variable()) {
        out_.SetName(Slot(real_, id), "");
        out_.SetName(output, source_.value(id).name());
      }
      out_.AddOutput(output);
    }
    out_.RemoveDead();
    return std::move(out_);
  }

 private:
  static ValueId& Slot(std::vector<ValueId>& values, ValueId id) {
    return values[static_cast<size_t>(id)];
  }
  std::string NameOf(const Node& node) const {
    return node.results().empty() ? std::string() : transforms::NameOf(source_, node.result());
  }

  Result<ValueId> AddInts(std::string name, TensorType type, const std::vector<int8_t>& values) {
    TERSOR_ASSIGN_OR_RETURN(Tensor tensor,
                            Tensor::FromValues<int8_t>(std::move(type), std::span(values)));
    return out_.AddVariable(std::move(name), std::move(tensor), false);
  }

  // The i8 version of an f32 value.
  Result<ValueId> Integer(ValueId id) {
    if (Slot(integer_, id) != kNoValue) return Slot(integer_, id);
    const ir::Value& value = source_.value(id);
    const Quantization& parameters = plan_.of(id);
    if (value.is_variable() && !value.data().empty()) {
      TERSOR_ASSIGN_OR_RETURN(Slot(integer_, id),
                              AddInts(value.name(), {DType::kI8, value.type().shape, parameters},
                                      QuantizeValues(value.data().values<float>(), parameters)));
      return Slot(integer_, id);
    }
    TERSOR_ASSIGN_OR_RETURN(const ValueId real, Real(id));
    TERSOR_ASSIGN_OR_RETURN(Slot(integer_, id), Rescale(real, parameters));
    return Slot(integer_, id);
  }

  Result<ValueId> Rescale(ValueId id, const Quantization& parameters) {
    TERSOR_ASSIGN_OR_RETURN(const Node* node, out_.AddNode(OpKind::kQuantize, {id}, {},
                                                           TensorType{DType::kI8, {}, parameters}));
    return node->result();
  }

  // The version of a value that is not i8: f32, or what the source has.
  Result<ValueId> Real(ValueId id) {
    if (Slot(real_, id) != kNoValue) return Slot(real_, id);
    const ir::Value& value = source_.value(id);
    if (value.is_variable()) {
      Slot(real_, id) = out_.AddVariable(value.name(), value.type(), value.trainable());
      ir::Value& copy = out_.value(Slot(real_, id));
      if (value.encoded() != nullptr) {
        copy.set_encoded(value.encoded());
      } else {
        copy.set_data(value.data());
      }
      return Slot(real_, id);
    }
    TERSOR_ASSIGN_OR_RETURN(const Node* node,
                            out_.AddNode(OpKind::kDequantize, {Slot(integer_, id)}));
    Slot(real_, id) = node->result();
    return Slot(real_, id);
  }

  Status WriteReal(const Node& node) {
    std::vector<ValueId> operands;
    for (ValueId id : node.operands()) {
      if (id == kNoValue) {
        operands.push_back(kNoValue);
        continue;
      }
      TERSOR_ASSIGN_OR_RETURN(operands.emplace_back(), Real(id));
    }
    std::optional<TensorType> hint;
    if (!node.results().empty() && source_.value(node.result()).type().quantization) {
      hint = source_.value(node.result()).type();
    }
    TERSOR_ASSIGN_OR_RETURN(const Node* copy,
                            out_.AddNode(node.op(), operands, node.attributes(), hint));
    for (size_t i = 0; i < node.results().size(); ++i) {
      Slot(real_, node.results()[i]) = copy->results()[i];
      out_.SetName(copy->results()[i], source_.value(node.results()[i]).name());
    }
    return OkStatus();
  }

  Status WriteInteger(const Node& node) {
    const Quantization& parameters = plan_.of(node.result());
    std::vector<ValueId> operands;
    std::string note;
    if (node.info().is_layer()) {
      TERSOR_ASSIGN_OR_RETURN(operands, LayerOperands(node, note));
    } else {
      for (ValueId id : node.operands()) {
        TERSOR_ASSIGN_OR_RETURN(ValueId operand, Integer(id));
        const bool compared = node.info().Has(ir::Trait::one_scale) && node.operands().size() > 1;
        if (compared && out_.value(operand).type().quantization != parameters) {
          TERSOR_ASSIGN_OR_RETURN(operand, Rescale(operand, parameters));
        }
        operands.push_back(operand);
      }
    }
    TERSOR_ASSIGN_OR_RETURN(const Node* written,
                            out_.AddNode(node.op(), operands, node.attributes(),
                                         TensorType{DType::kI8, {}, parameters}));
    Slot(integer_, node.result()) = written->result();
    KeepResidual(node);
    out_.SetName(written->result(), source_.value(node.result()).name());
    note = StrCat("i8, scale ", parameters.scales[0], ", zero point ", parameters.zero_points[0],
                  note);
    report_.changed.push_back({NameOf(node), std::string(node.info().text_name), note});
    return OkStatus();
  }

  // Input i8, filter i8, bias i32, padding value i8.
  Result<std::vector<ValueId>> LayerOperands(const Node& node, std::string& note) {
    TERSOR_ASSIGN_OR_RETURN(const ValueId input, Integer(node.operand(0)));
    const float input_scale = out_.value(input).type().quantization->scales[0];
    const ir::Value& filter = source_.value(node.operand(1));
    const auto weights = filter.data().values<float>();
    for (float w : weights) {
      if (!std::isfinite(w)) {
        return InvalidArgument("variable '", filter.name(), "' holds ", w,
                               ", expected finite numbers");
      }
    }
    const int64_t outputs = filter.type().shape[0];
    const bool per_channel = SettingFor(source_, node, options_).per_channel;
    Quantization scales = WeightParameters(weights, outputs, per_channel);
    std::vector<double> bias;
    if (node.operand(2) != kNoValue) {
      const auto values = source_.value(node.operand(2)).data().values<float>();
      bias.assign(values.begin(), values.end());
    }
    TakeResidual(node, bias);
    if (const int raised = FitBias(bias, input_scale, scales); raised > 0) {
      note += StrCat("; ", raised, " filter scales were raised to make the bias fit i32");
    }
    std::vector<ValueId> operands = {input, kNoValue};
    TERSOR_ASSIGN_OR_RETURN(operands[1],
                            AddInts(filter.name(), {DType::kI8, filter.type().shape, scales},
                                    QuantizeWeights(weights, scales, outputs)));
    if (!bias.empty()) {
      const std::vector<int32_t> integers = QuantizeBias(bias, input_scale, scales);
      TERSOR_ASSIGN_OR_RETURN(
          Tensor tensor,
          Tensor::FromValues<int32_t>({DType::kI32, {outputs}, std::nullopt}, std::span(integers)));
      const bool named = node.operand(2) != kNoValue;
      operands.push_back(
          out_.AddVariable(named ? source_.value(node.operand(2)).name() : filter.name() + ".bias",
                           std::move(tensor), false));
    }
    if (node.operand(3) != kNoValue) {
      const ir::Value& padding = source_.value(node.operand(3));
      operands.resize(3, kNoValue);
      const Quantization& parameters = *out_.value(input).type().quantization;
      TERSOR_ASSIGN_OR_RETURN(
          operands.emplace_back(),
          AddInts(padding.name(), {DType::kI8, padding.type().shape, parameters},
                  QuantizeValues(padding.data().values<float>(), parameters)));
    }
    note += per_channel ? "; filter i8 with a scale per channel" : "; filter i8 with one scale";
    return operands;
  }

  // The error of a quantized constant that is added is known, and the same in every cell: what a
  // channel of the result lacks. It goes through pools and flattenings into the bias of the layer
  // behind (where cells are padded it is there in excess).
  void KeepResidual(const Node& node) {
    const Shape& shape = source_.value(node.result()).type().shape;
    if (shape.rank() == 0) return;
    const int64_t last = shape[shape.rank() - 1];
    if (node.op() == OpKind::kMaxPool2d || node.op() == OpKind::kReshape) {
      auto found = residual_.find(node.operand(0));
      if (found == residual_.end()) return;
      if (last % static_cast<int64_t>(found->second.size()) != 0) return;
      residual_[node.result()] = std::vector(found->second);
      return;
    }
    if (node.op() != OpKind::kAdd || node.attributes().Has(Attr::activation)) return;
    for (ValueId id : node.operands()) {
      if (!source_.value(id).is_variable()) continue;
      auto residual = transforms::ReadChannelConstant(source_, id, last);
      if (!residual) continue;
      const Quantization& parameters = plan_.of(id);
      const auto integers = out_.value(Slot(integer_, id)).data().values<int8_t>();
      for (size_t c = 0; c < residual->size(); ++c) {
        (*residual)[c] -= static_cast<double>(parameters.scales[0]) *
                          (integers[integers.size() == 1 ? 0 : c] - parameters.zero_points[0]);
      }
      residual_[node.result()] = *std::move(residual);
    }
  }

  void TakeResidual(const Node& layer, std::vector<double>& bias) const {
    auto found = residual_.find(layer.operand(0));
    if (found == residual_.end()) return;
    const std::vector<double>& residual = found->second;
    const ir::Value& filter = source_.value(layer.operand(1));
    const Shape& shape = filter.type().shape;
    const auto outputs = static_cast<size_t>(shape[0]);
    const auto inputs = static_cast<size_t>(shape[shape.rank() - 1]);
    const bool grouped = layer.info().HasAttribute(Attr::groups);
    const auto groups = static_cast<size_t>(grouped ? layer.attributes().Int(Attr::groups) : 1);
    const auto weights = filter.data().values<float>();
    const size_t row = weights.size() / outputs;
    bias.resize(outputs, 0.0);
    for (size_t i = 0; i < weights.size(); ++i) {
      const size_t output = i / row, first = output / (outputs / groups) * inputs;
      bias[output] += weights[i] * residual[(first + i % inputs) % residual.size()];
    }
  }

  const ir::Graph& source_;
  const QuantizationOptions& options_;
  const ScalePlan& plan_;
  TechniqueReport& report_;
  std::vector<ValueId> integer_, real_;              // by value of the source
  std::map<ValueId, std::vector<double>> residual_;  // by value of the source, a number a channel
  ir::Graph out_;
};

}  // namespace

Result<ir::Graph> QuantizeFullInteger(const ir::Graph& prepared, const QuantizationOptions& options,
                                      const CalibrationStatistics& statistics,
                                      TechniqueReport& report) {
  TERSOR_ASSIGN_OR_RETURN(const ScalePlan plan, ScalePlan::Make(prepared, options, statistics));
  return IntegerWriter(prepared, options, plan, report).Write();
}

}  // namespace tersor::compression
