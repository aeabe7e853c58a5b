// Rules for operators that move elements or reduce axes.
#include <algorithm>
#include <cstring>

#include "tersor/formats/tflite/importer.h"

namespace tersor::formats::tflite {

using ir::OpKind;
using ir::ValueId;

Result<std::vector<int64_t>> Importer::TargetShape(const tersor::Shape& from,
                                                   std::vector<int64_t> dims) const {
  const int64_t given = from.num_elements();  // symbolic extents count as 1
  const bool batch = from.HasBatch();
  if (dims.size() > 8) return Unsupported("a shape of rank ", dims.size(), ", at most 8");
  auto fail = [&] {
    return Unsupported("cannot see ", from.ToString(), " as ", tersor::Shape(dims).ToString());
  };
  if (batch) {
    if (dims.empty() || (dims[0] != 1 && dims[0] != -1)) return fail();
    dims[0] = kBatch;
  }
  int64_t known = 1;
  int free_axis = -1;
  for (size_t axis = batch ? 1 : 0; axis < dims.size(); ++axis) {
    if (dims[axis] == -1 && free_axis < 0) {
      free_axis = static_cast<int>(axis);
      continue;
    }
    if (dims[axis] < 1 || dims[axis] > given || known > given / dims[axis]) return fail();
    known *= dims[axis];
  }
  if (free_axis >= 0) {
    if (given % known != 0) return fail();
    // What is left open takes the symbolic extent, where there is one behind the batch.
    const auto symbol =
        std::find_if(from.dims().begin() + (batch ? 1 : 0), from.dims().end(), IsSymbol);
    const bool open = symbol != from.dims().end() && given == known;
    dims[static_cast<size_t>(free_axis)] = open ? *symbol : given / known;
  } else if (known != given) {
    return fail();
  }
  return dims;
}

Status Importer::Reshape(const OperatorInfo& op) {
  TERSOR_RETURN_IF_ERROR(CheckCounts(op, 1, 2));
  TERSOR_ASSIGN_OR_RETURN(const ValueId input, Operand(op, 0));
  std::vector<int64_t> dims(op.options.dims.begin(), op.options.dims.end());
  if (op.inputs.size() == 2 && op.inputs[1] >= 0) {
    TERSOR_ASSIGN_OR_RETURN(dims, ConstantIntegers(op, 1));
  } else if (dims.size() == 1 && dims[0] == 0) {
    dims.clear();  // how old converters write a scalar
  }
  TERSOR_ASSIGN_OR_RETURN(dims, TargetShape(TypeOf(input).shape, std::move(dims)));
  return Finish(op, OpKind::kReshape, {input}, Attributes().Set(Attr::shape, std::move(dims)));
}

Status Importer::Squeeze(const OperatorInfo& op) {
  TERSOR_RETURN_IF_ERROR(CheckCounts(op, 1, 1));
  TERSOR_ASSIGN_OR_RETURN(const ValueId input, Operand(op, 0));
  const tersor::Shape& shape = TypeOf(input).shape;
  std::vector<bool> dropped(static_cast<size_t>(shape.rank()), false);
  for (int32_t given : op.options.dims) {
    TERSOR_ASSIGN_OR_RETURN(const int64_t axis, NormalizeAxis(given, shape.rank()));
    if (shape[static_cast<int>(axis)] != 1) {
      return Unsupported("axis ", axis, " of ", shape.ToString(), " is not of extent 1");
    }
    dropped[static_cast<size_t>(axis)] = true;
  }
  std::vector<int64_t> dims;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool drop =
        op.options.dims.empty() ? shape[axis] == 1 : dropped[static_cast<size_t>(axis)];
    if (!drop) dims.push_back(shape[axis]);
  }
  return Finish(op, OpKind::kReshape, {input}, Attributes().Set(Attr::shape, std::move(dims)));
}

Status Importer::ExpandDims(const OperatorInfo& op) {
  TERSOR_RETURN_IF_ERROR(CheckCounts(op, 2, 2));
  TERSOR_ASSIGN_OR_RETURN(const ValueId input, Operand(op, 0));
  TERSOR_ASSIGN_OR_RETURN(const auto axes, ConstantIntegers(op, 1));
  if (axes.size() != 1) return DataLoss(axes.size(), " axes, expected 1");
  std::vector<int64_t> dims = TypeOf(input).shape.dims();
  TERSOR_ASSIGN_OR_RETURN(const int64_t axis,
                          NormalizeAxis(axes[0], static_cast<int>(dims.size()) + 1));
  if (axis == 0 && TypeOf(input).shape.HasBatch()) {
    return Unsupported("an axis before the symbolic batch");
  }
  dims.insert(dims.begin() + axis, 1);
  return Finish(op, OpKind::kReshape, {input}, Attributes().Set(Attr::shape, std::move(dims)));
}

Status Importer::Transpose(const OperatorInfo& op) {
  TERSOR_RETURN_IF_ERROR(CheckCounts(op, 2, 2));
  TERSOR_ASSIGN_OR_RETURN(const ValueId input, Operand(op, 0));
  TERSOR_ASSIGN_OR_RETURN(auto permutation, ConstantIntegers(op, 1));
  for (int64_t& axis : permutation) {
    TERSOR_ASSIGN_OR_RETURN(axis, NormalizeAxis(axis, TypeOf(input).shape.rank()));
  }
  return Finish(op, OpKind::kTranspose, {input},
                Attributes().Set(Attr::permutation, std::move(permutation)));
}

Status Importer::Reduce(const OperatorInfo& op) {
  TERSOR_RETURN_IF_ERROR(CheckCounts(op, 2, 2));
  TERSOR_ASSIGN_OR_RETURN(const ValueId input, Operand(op, 0));
  TERSOR_ASSIGN_OR_RETURN(auto axes, ConstantIntegers(op, 1));
  for (int64_t& axis : axes) {
    TERSOR_ASSIGN_OR_RETURN(axis, NormalizeAxis(axis, TypeOf(input).shape.rank()));
  }
  std::sort(axes.begin(), axes.end());
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  if (!axes.empty() && axes[0] == 0 && TypeOf(input).shape.HasBatch()) {
    return Unsupported("a reduction over the symbolic batch");
  }
  return Finish(
      op, InfoOf(op.op).ir_op, {input},
      Attributes().Set(Attr::axes, std::move(axes)).Set(Attr::keep_dims, op.options.keep_dims));
}

Status Importer::Pad(const OperatorInfo& op) {
  const bool with_value = op.op == BuiltinOp::kPADV2;
  TERSOR_RETURN_IF_ERROR(CheckCounts(op, with_value ? 3 : 2, with_value ? 3 : 2));
  TERSOR_ASSIGN_OR_RETURN(const ValueId input, Operand(op, 0));
  TERSOR_ASSIGN_OR_RETURN(auto pads, ConstantIntegers(op, 1));
  double value = 0;
  if (with_value) {
    if (op.inputs[2] < 0 || !tensor(op.inputs[2]).constant) {
      return Unsupported("the padded value is computed, expected a constant");
    }
    const TensorInfo& info = tensor(op.inputs[2]);
    if (info.dtype == DType::kF32 && info.data.size() == sizeof(float)) {
      float real;
      std::memcpy(&real, info.data.data(), sizeof(real));
      value = real;
    } else if (info.quantization && info.data.size() == 1) {
      const auto byte = static_cast<uint8_t>(info.data[0]);
      const int integer = info.dtype == DType::kU8 ? byte : static_cast<int8_t>(byte);
      value = static_cast<double>(info.quantization->scales[0]) *
              (integer - info.quantization->zero_points[0]);
    } else {
      return Unsupported("the padded value is ", info.type().ToString(), ", expected one number");
    }
  }
  return Finish(op, OpKind::kPad, {input},
                Attributes().Set(Attr::pads, std::move(pads)).Set(Attr::value, value));
}

Status Importer::Concatenation(const OperatorInfo& op) {
  if (op.outputs.size() != 1) return DataLoss(op.outputs.size(), " results, expected 1");
  if (op.inputs.empty()) return DataLoss("no operands");
  const std::optional<TensorType> hint = HintFor(op);
  std::vector<ValueId> inputs;
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    TERSOR_ASSIGN_OR_RETURN(ValueId input, Operand(op, i));
    // The format lets parts have scales of their own; the graph wants one.
    if (hint && hint->quantization && TypeOf(input).quantization != hint->quantization) {
      TERSOR_ASSIGN_OR_RETURN(input, Add(OpKind::kQuantize, {input}, {}, hint));
    }
    inputs.push_back(input);
  }
  TERSOR_ASSIGN_OR_RETURN(const int64_t axis,
                          NormalizeAxis(op.options.axis, TypeOf(inputs[0]).shape.rank()));
  return FinishActivated(op, OpKind::kConcat, std::move(inputs),
                         Attributes().Set(Attr::axis, axis));
}

}  // namespace tersor::formats::tflite
