#include "tersor/ir/shape_rules/rule.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "tersor/ir/shape_rules.h"

namespace tersor::ir {

std::string_view RuleInput::name(int i) const {
  const size_t last = info.operands.size() - 1;
  return info.operands[std::min(static_cast<size_t>(i), last)].name;
}

Status RuleInput::FailWith(std::initializer_list<Part> parts) const {
  std::string message(info.text_name);
  message += ": ";
  for (const Part& part : parts) {
    switch (part.kind) {
      case Part::Kind::kText:
        message += part.text;
        break;
      case Part::Kind::kInteger:
        message += std::to_string(part.integer);
        break;
      case Part::Kind::kReal: {
        char digits[32];
        const auto end = std::to_chars(digits, digits + sizeof(digits), part.real).ptr;
        message.append(digits, end);
        break;
      }
      case Part::Kind::kShape:
        message += part.shape->ToString();
        break;
      case Part::Kind::kType:
        message += part.type->ToString();
        break;
    }
  }
  return {StatusCode::kInvalidArgument, std::move(message)};
}

Status RuleInput::ExpectF32(int i) const {
  if (type(i).dtype == DType::kF32) return OkStatus();
  return Fail(name(i), " is ", type(i), ", expected f32");
}

Status RuleInput::ExpectF32(int i, const Shape& expected) const {
  if (type(i).dtype == DType::kF32 && shape(i) == expected) return OkStatus();
  return Fail(name(i), " is ", type(i), ", expected f32", expected);
}

Status RuleInput::ExpectFloat(int i) const {
  const DType dtype = type(0).dtype;
  if (IsFloat(dtype) && type(i).dtype == dtype) return OkStatus();
  if (i > 0 && IsFloat(dtype)) return Fail(name(i), " is ", type(i), ", expected ", dtype);
  return Fail(name(i), " is ", type(i), ", expected f32, f16 or bf16");
}

Status RuleInput::ExpectFloat(int i, const Shape& expected) const {
  const DType dtype = IsFloat(type(0).dtype) ? type(0).dtype : DType::kF32;
  if (type(i).dtype == dtype && shape(i) == expected) return OkStatus();
  return Fail(name(i), " is ", type(i), ", expected ", dtype, expected);
}

Status RuleInput::ExpectAllFloat() const {
  for (int i = 0; i < size(); ++i) {
    if (Has(i)) TERSOR_RETURN_IF_ERROR(ExpectFloat(i));
  }
  return OkStatus();
}

Status RuleInput::ExpectRank(int i, int rank) const {
  if (shape(i).rank() == rank) return OkStatus();
  return Fail(name(i), " is ", type(i), ", expected ", rank, " axes");
}

Status RuleInput::ExpectRange(Attr attr, double low, double high) const {
  const double value = attributes.Float(attr);
  if (value >= low && value <= high) return OkStatus();
  return Fail(AttrName(attr), " is ", value, ", expected ", low, " to ", high);
}

Status RuleInput::ExpectBelow(Attr attr, double low, double high) const {
  const double value = attributes.Float(attr);
  if (value >= low && value < high) return OkStatus();
  return Fail(AttrName(attr), " is ", value, ", expected at least ", low, " and less than ", high);
}

Result<TensorType> RuleInput::ComputedType(Shape result) const {
  const DType dtype = type(0).dtype;
  for (int i = 0; i < size(); ++i) {
    if (!Has(i)) continue;
    const TensorType& operand = type(i);
    const bool known = IsFloat(operand.dtype) || IsEightBitPerTensor(operand);
    if (!known || operand.dtype != dtype) {
      if (size() == 1) {
        return Fail(name(i), " is ", Describe(operand),
                    ", expected f32, f16 or bf16, or i8 or u8 with one scale");
      }
      return Fail(name(i), " is ", Describe(operand),
                  ", expected operands that are all f32, all f16 or all bf16, or all i8 or all u8 "
                  "with one scale each");
    }
  }
  if (IsFloat(dtype)) return TensorType{dtype, std::move(result), std::nullopt};
  return HintedType(dtype, std::move(result));
}

Result<TensorType> RuleInput::HintedType(DType dtype, Shape result) const {
  if (!hint.has_value()) {
    return Fail("integer operands leave the scale free: the result needs a type, ", dtype,
                " with its scale and zero point");
  }
  if (hint->dtype != dtype || !IsEightBitPerTensor(*hint)) {
    return Fail("result is given as ",
                Describe(TensorType{hint->dtype, result, hint->quantization}), ", expected ", dtype,
                " with one scale, as the operands");
  }
  return TensorType{dtype, std::move(result), hint->quantization};
}

bool IsEightBit(DType dtype) { return dtype == DType::kI8 || dtype == DType::kU8; }

bool IsEightBitPerTensor(const TensorType& type) {
  return IsEightBit(type.dtype) && type.quantization.has_value() &&
         !type.quantization->per_channel();
}

std::string Describe(const TensorType& type) {
  std::string text = type.ToString();
  if (!IsInteger(type.dtype)) return text;
  if (!type.quantization.has_value()) return text + " without scale";
  if (type.quantization->per_channel()) return text + " with a scale per channel";
  return text;
}

RuleResult One(TensorType type) {
  std::vector<TensorType> results;
  results.push_back(std::move(type));
  return results;
}

RuleResult OneF32(Shape shape) { return One({DType::kF32, std::move(shape), std::nullopt}); }

RuleResult OneFloat(const RuleInput& in, Shape shape) {
  return One({in.type(0).dtype, std::move(shape), std::nullopt});
}

Result<Shape> BroadcastShape(const RuleInput& in, const Shape& lhs, const Shape& rhs) {
  const int rank = std::max(lhs.rank(), rhs.rank());
  std::vector<int64_t> dims(static_cast<size_t>(rank));
  for (int axis = 0; axis < rank; ++axis) {
    const int left_axis = axis - (rank - lhs.rank());
    const int right_axis = axis - (rank - rhs.rank());
    const int64_t left = left_axis < 0 ? 1 : lhs[left_axis];
    const int64_t right = right_axis < 0 ? 1 : rhs[right_axis];
    if (left != right && left != 1 && right != 1) {
      return in.Fail("cannot broadcast ", lhs, " with ", rhs);
    }
    dims[static_cast<size_t>(axis)] = left == 1 ? right : left;
  }
  return Shape(std::move(dims));
}

Result<Shape> ShapeAttribute(const RuleInput& in, Attr attr, int64_t batch) {
  Shape shape(in.attributes.Ints(attr));
  if (shape.HasBatch()) shape[0] = batch;
  if (Status status = CheckType({DType::kF32, shape, std::nullopt}); !status.ok()) {
    return status.WithContext(StrCat(in.info.text_name, ": ", AttrName(attr)));
  }
  return shape;
}

}  // namespace tersor::ir
