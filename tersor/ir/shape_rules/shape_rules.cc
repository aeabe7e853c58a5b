#include "tersor/ir/shape_rules.h"

#include <cmath>
#include <limits>
#include <string>

#include "tersor/ir/shape_rules/rule.h"

namespace tersor::ir {
namespace {

using Rule = RuleResult (*)(const RuleInput&);

// Whether this build has the operator: the deployable runtime may lack some (TERSOR_OPERATORS).
constexpr bool IsBuilt([[maybe_unused]] std::string_view op) {
#if defined(TERSOR_OPERATORS)
  constexpr std::string_view kBuilt = TERSOR_OPERATORS;  // ",Add,Conv2d,"
  for (size_t at = kBuilt.find(op); at != std::string_view::npos; at = kBuilt.find(op, at + 1)) {
    if (kBuilt[at - 1] == ',' && kBuilt[at + op.size()] == ',') return true;
  }
  return false;
#else
  return true;
#endif
}

constexpr Rule kRules[] = {
#define OP(name, ...) IsBuilt(#name) ? Rule##name : nullptr,
#include "tersor/ir/ops.inc"
#undef OP
};

// [lowest, highest] zero point of an integer type.
std::pair<int64_t, int64_t> ZeroPointRange(DType dtype) {
  switch (dtype) {
    case DType::kI4:
      return {-8, 7};
    case DType::kI8:
      return {INT8_MIN, INT8_MAX};
    case DType::kU8:
      return {0, UINT8_MAX};
    case DType::kI16:
      return {INT16_MIN, INT16_MAX};
    default:
      return {INT32_MIN, INT32_MAX};
  }
}

Status CheckQuantizationCounts(const TensorType& type) {
  const Quantization& quantization = *type.quantization;
  if (!IsInteger(type.dtype)) return InvalidArgument(type.ToString(), " cannot have a scale");
  const auto expected = static_cast<size_t>(quantization.PairsFor(type.shape));
  if (expected == 0 && quantization.group_size != 0) {
    return InvalidArgument(type.ToString(), ": quantization has groups of ",
                           quantization.group_size, " along axis ", quantization.axis,
                           ", expected 1 or more along the last of known extents");
  }
  if (expected == 0) {
    return InvalidArgument(type.ToString(), ": quantization has axis ", quantization.axis,
                           ", expected one of its axes (not a symbolic one), or -1");
  }
  if (quantization.scales.size() != expected || quantization.zero_points.size() != expected) {
    return InvalidArgument(type.ToString(), ": ", quantization.scales.size(), " scales and ",
                           quantization.zero_points.size(), " zero points, expected ", expected);
  }
  return OkStatus();
}

Status CheckQuantizationValues(const TensorType& type) {
  const Quantization& quantization = *type.quantization;
  const auto [lowest, highest] = ZeroPointRange(type.dtype);
  for (float scale : quantization.scales) {
    if (!(scale > 0) || !std::isfinite(scale)) {
      return InvalidArgument(type.ToString(), ": scale is ", scale,
                             ", expected positive and finite");
    }
  }
  for (int32_t zero_point : quantization.zero_points) {
    if (zero_point < lowest || zero_point > highest) {
      return InvalidArgument(type.ToString(), ": zero point is ", zero_point, ", expected ", lowest,
                             " to ", highest);
    }
  }
  return OkStatus();
}

// All of CheckType that does not look at every scale.
Status CheckExtents(const TensorType& type) {
  const Shape& shape = type.shape;
  if (shape.rank() > kMaxRank) {
    return InvalidArgument(shape.rank(), " axes, at most ", kMaxRank, " are possible");
  }
  int64_t elements = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (IsSymbol(shape[axis]) && !SymbolName(shape[axis]).empty()) continue;
    if (shape[axis] < 1 || shape[axis] > kMaxExtent) {
      return InvalidArgument(type.ToString(), ": axis ", axis, " has extent ", shape[axis],
                             ", expected 1 to ", kMaxExtent);
    }
    if (elements > kMaxElements / shape[axis]) {
      return InvalidArgument(type.ToString(), ": more than ", kMaxElements, " elements");
    }
    elements *= shape[axis];
  }
  return type.quantization.has_value() ? CheckQuantizationCounts(type) : OkStatus();
}

bool HasType(const AttrValue& value, AttrType type) {
  switch (type) {
    case AttrType::Activation:
      return std::holds_alternative<Activation>(value);
    case AttrType::Bool:
      return std::holds_alternative<bool>(value);
    case AttrType::Float:
      return std::holds_alternative<double>(value);
    case AttrType::Int:
      return std::holds_alternative<int64_t>(value);
    case AttrType::Ints:
      return std::holds_alternative<std::vector<int64_t>>(value);
    case AttrType::Padding:
      return std::holds_alternative<Padding>(value);
    case AttrType::Type:
      return std::holds_alternative<DType>(value);
  }
  return false;
}

// The operands as ops.inc lists them: absent ones at the end become null.
Result<std::vector<const TensorType*>> CheckOperands(const OpInfo& info,
                                                     std::span<const TensorType* const> operands) {
  std::vector<const TensorType*> all(operands.begin(), operands.end());
  const bool variadic = !info.operands.empty() && info.operands.back().variadic;
  if (!variadic && all.size() > info.operands.size()) {
    return InvalidArgument(info.text_name, ": ", all.size(), " operands, expected at most ",
                           info.operands.size());
  }
  if (all.size() < info.operands.size()) all.resize(info.operands.size(), nullptr);
  for (size_t i = 0; i < all.size(); ++i) {
    const OperandInfo& operand = info.operands[std::min(i, info.operands.size() - 1)];
    if (all[i] == nullptr) {
      if (operand.optional) continue;
      return InvalidArgument(info.text_name, ": operand ", operand.name, " is missing");
    }
    if (Status status = CheckExtents(*all[i]); !status.ok()) {
      return status.WithContext(StrCat(info.text_name, ": ", operand.name));
    }
  }
  return all;
}

Status CheckHint(const OpInfo& info, const TensorType& hint, const TensorType& result) {
  if (hint.dtype != result.dtype) {
    return InvalidArgument(info.text_name, ": result is ", result.ToString(), ", not ",
                           DTypeName(hint.dtype));
  }
  if (hint.quantization != result.quantization) {
    return InvalidArgument(
        info.text_name, ": result is ", result.ToString(),
        result.quantization.has_value() ? " with the operand's scale" : " without scale",
        ", not with the one that is given");
  }
  return OkStatus();
}

}  // namespace

Status CheckType(const TensorType& type) {
  TERSOR_RETURN_IF_ERROR(CheckExtents(type));
  return type.quantization.has_value() ? CheckQuantizationValues(type) : OkStatus();
}

Status CheckAttributes(OpKind op, const Attributes& attributes) {
  const OpInfo& info = InfoOf(op);
  for (const auto& [attr, value] : attributes.items()) {
    const auto wrong = [&info, name = AttrName(attr)](std::string_view what) {
      return InvalidArgument(info.text_name, ": attribute ", name, " ", what);
    };
    if (!info.HasAttribute(attr)) return wrong("does not belong to this operator");
    if (!HasType(value, AttrTypeOf(attr))) return wrong("has a value of another type");
    if (const auto* number = std::get_if<double>(&value); number && std::isnan(*number)) {
      return wrong("is not a number");
    }
    if (const auto* padding = std::get_if<Padding>(&value);
        padding && padding->kind != Padding::Kind::kExplicit &&
        *padding != Padding{padding->kind, 0, 0, 0, 0}) {
      return wrong("counts cells, but is not explicit");
    }
  }
  for (Attr attr : info.attributes) {
    if (AttrDefault(attr) == nullptr && !attributes.Has(attr)) {
      return InvalidArgument(info.text_name, ": attribute ", AttrName(attr), " is missing");
    }
  }
  return OkStatus();
}

Result<std::vector<TensorType>> InferTypes(OpKind op, std::span<const TensorType* const> operands,
                                           const Attributes& attributes,
                                           const std::optional<TensorType>& hint) {
  const OpInfo& info = InfoOf(op);
  const Rule rule = kRules[static_cast<size_t>(op)];
  if (rule == nullptr) {
    return Unsupported("this build of the library has no ", info.text_name,
                       "; scripts/runtime_min --for MODEL builds a library for one model");
  }
  TERSOR_RETURN_IF_ERROR(CheckAttributes(op, attributes));
  TERSOR_ASSIGN_OR_RETURN(const auto all, CheckOperands(info, operands));
  TERSOR_ASSIGN_OR_RETURN(auto results, rule(RuleInput{info, all, attributes, hint}));
  TERSOR_CHECK(results.size() == info.results.size());
  for (const TensorType& result : results) {
    if (Status status = CheckType(result); !status.ok()) {
      return status.WithContext(StrCat(info.text_name, ": result"));
    }
  }
  if (hint.has_value() && !results.empty()) {
    TERSOR_RETURN_IF_ERROR(CheckHint(info, *hint, results[0]));
  }
  return results;
}

}  // namespace tersor::ir
