#include "tersor/compression/quantization/scale_plan.h"

#include <algorithm>
#include <cmath>

#include "tersor/compression/quantization/parameters.h"
#include "tersor/transforms/constants.h"

namespace tersor::compression {
namespace {

using ir::kNoValue;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

std::optional<std::string> ReasonToStay(const ir::Graph& graph, const Node& node,
                                        const std::vector<bool>& constants,
                                        const QuantizationSetting& setting) {
  if (setting.skip) return "excluded";
  if (node.results().size() != 1) return "has no integer arithmetic";
  if (!node.info().has_integer_arithmetic()) return "has no integer arithmetic";
  if (graph.value(node.result()).type().dtype != DType::kF32) return "is not f32";
  for (ValueId id : node.operands()) {
    if (id != kNoValue && graph.value(id).type().dtype != DType::kF32)
      return "reads other than f32";
  }
  if (node.info().is_layer()) {
    for (int i = 1; i < static_cast<int>(node.operands().size()); ++i) {
      const ValueId id = node.operand(i);
      if (id != kNoValue && !constants[static_cast<size_t>(id)]) return "its weights are computed";
    }
  }
  return std::nullopt;
}

Range Union(const Range& a, const Range& b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

Result<Range> RangeOfConstant(const ir::Graph& graph, ValueId id) {
  const auto values = transforms::ReadConstant(graph, id);
  Range range;
  for (double x : *values) {
    if (!std::isfinite(x)) {
      return InvalidArgument("variable '", graph.value(id).name(), "' holds ", x,
                             ", expected finite numbers");
    }
    range = Union(range, {x, x});
  }
  return range;
}

}  // namespace

const QuantizationSetting& SettingFor(const ir::Graph& graph, const Node& node,
                                      const QuantizationOptions& options) {
  const std::string_view result =
      node.results().empty() ? std::string_view() : graph.value(node.result()).name();
  const std::string_view filter = node.info().is_layer()
                                      ? graph.value(node.operand(node.info().weight())).name()
                                      : std::string_view();
  return options.settings.For(node.op(), {result, filter});
}

size_t ScalePlan::Root(ValueId id) const {
  while (parent_[static_cast<size_t>(id)] != id) id = parent_[static_cast<size_t>(id)];
  return static_cast<size_t>(id);
}

void ScalePlan::Join(ValueId a, ValueId b) {
  const size_t root_a = Root(a), root_b = Root(b);
  if (root_a == root_b) return;
  // The smaller id stays, and what is fixed stays fixed.
  const size_t root = std::min(root_a, root_b), other = std::max(root_a, root_b);
  if (!fixed_[root]) fixed_[root] = fixed_[other];
  parent_[other] = static_cast<ValueId>(root);
}

void ScalePlan::JoinGroups(const ir::Graph& graph) {
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = *graph.nodes()[i];
    if (reasons_[i]) continue;
    if (const auto& fixed = node.info().fixed_output) fixed_[Root(node.result())] = fixed;
    if (!node.info().Has(ir::Trait::one_scale)) continue;
    for (ValueId id : node.operands()) {
      // Among several operands one with a fixed scale is rescaled instead.
      if (node.operands().size() > 1 && fixed_[Root(id)]) continue;
      Join(node.result(), id);
    }
  }
}

// y = x + constant rounds twice: x, then y. In one scale for the three the second rounding is
// exact, so they share one unless it is so much coarser that two roundings are the lesser error.
void ScalePlan::ShareScaleOfShifts(const ir::Graph& graph, std::vector<Range>& ranges) {
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = *graph.nodes()[i];
    if (reasons_[i] || node.op() != OpKind::kAdd) continue;
    for (int side = 0; side < 2; ++side) {
      const ValueId constant = node.operand(side), input = node.operand(1 - side);
      if (!graph.value(constant).is_variable() || graph.value(input).is_variable()) continue;
      if (graph.UseCount(constant) != 1 || graph.UseCount(input) != 1) continue;
      const size_t root = Root(node.result()), before = Root(input), shift = Root(constant);
      if (fixed_[root] || fixed_[before] || fixed_[shift] || root == before) continue;
      const Range all = Union(Union(ranges[before], ranges[root]), ranges[shift]);
      auto width = [](const Range& range) { return range.high - range.low; };
      if (width(all) > std::hypot(width(ranges[before]), width(ranges[root]))) continue;
      Join(node.result(), input);
      Join(node.result(), constant);
      ranges[Root(node.result())] = all;
    }
  }
}

Status ScalePlan::ChooseParameters(const ir::Graph& graph, const QuantizationOptions& options,
                                   const CalibrationStatistics& statistics) {
  constexpr int kLevels = 256;
  std::vector<Range> ranges(parent_.size());
  auto widen = [&](ValueId id, const Range& range) {
    ranges[Root(id)] = Union(ranges[Root(id)], range);
  };
  auto observe = [&](ValueId id, const QuantizationSetting& setting) {
    auto found = statistics.values.find(id);
    if (found == statistics.values.end()) return;
    widen(id, found->second.Choose(setting.calibration, setting.percentile, kLevels));
  };
  for (ValueId id : graph.inputs()) observe(id, options.settings.standard);
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = *graph.nodes()[i];
    for (ValueId id : node.results()) observe(id, SettingFor(graph, node, options));
    if (reasons_[i]) continue;
    const ir::OpInfo& info = node.info();
    for (int k = 0; k < static_cast<int>(node.operands().size()); ++k) {
      const ValueId id = node.operand(k);
      if (id == kNoValue || !graph.value(id).is_variable()) continue;
      if (info.is_layer() && (k == info.weight() || k == info.bias())) continue;
      TERSOR_ASSIGN_OR_RETURN(const Range range, RangeOfConstant(graph, id));
      widen(info.is_layer() ? node.operand(0) : id,
            range);  // a padding value has its input's scale
    }
    if (node.op() == OpKind::kPad) {
      const double value = node.attributes().Float(Attr::value);
      widen(node.operand(0), {value, value});
    }
  }
  ShareScaleOfShifts(graph, ranges);
  parameters_.resize(parent_.size());
  for (size_t i = 0; i < parent_.size(); ++i) {
    parameters_[i] = fixed_[i] ? *fixed_[i] : ActivationParameters(ranges[i]);
  }
  return OkStatus();
}

Result<ScalePlan> ScalePlan::Make(const ir::Graph& prepared, const QuantizationOptions& options,
                                  const CalibrationStatistics& statistics) {
  ScalePlan plan;
  const auto count = static_cast<size_t>(prepared.num_values());
  plan.parent_.resize(count);
  for (size_t i = 0; i < count; ++i) plan.parent_[i] = static_cast<ValueId>(i);
  plan.fixed_.resize(count);
  const std::vector<bool> constants = transforms::FindConstants(prepared);
  for (const auto& node : prepared.nodes()) {
    plan.reasons_.push_back(
        ReasonToStay(prepared, *node, constants, SettingFor(prepared, *node, options)));
  }
  plan.JoinGroups(prepared);
  TERSOR_RETURN_IF_ERROR(plan.ChooseParameters(prepared, options, statistics));
  return plan;
}

}  // namespace tersor::compression
