// Rules for operators on elements, and for changes of type.
#include <cmath>

#include "tersor/formats/tflite/importer.h"

namespace tersor::formats::tflite {

using ir::OpKind;
using ir::ValueId;

Status Importer::Binary(const OperatorInfo& op) {
  TERSOR_RETURN_IF_ERROR(CheckCounts(op, 2, 2));
  TERSOR_ASSIGN_OR_RETURN(const ValueId lhs, Operand(op, 0));
  TERSOR_ASSIGN_OR_RETURN(const ValueId rhs, Operand(op, 1));
  return FinishActivated(op, InfoOf(op.op).ir_op, {lhs, rhs}, {});
}

Status Importer::Unary(const OperatorInfo& op) {
  TERSOR_RETURN_IF_ERROR(CheckCounts(op, 1, 1));
  TERSOR_ASSIGN_OR_RETURN(const ValueId input, Operand(op, 0));
  return Finish(op, InfoOf(op.op).ir_op, {input}, {});
}

Status Importer::ReluN1To1(const OperatorInfo& op) {
  TERSOR_RETURN_IF_ERROR(CheckCounts(op, 1, 1));
  TERSOR_ASSIGN_OR_RETURN(const ValueId input, Operand(op, 0));
  return Finish(op, OpKind::kClamp, {input}, Attributes().Set(Attr::min, -1.0).Set(Attr::max, 1.0));
}

Status Importer::Softmax(const OperatorInfo& op) {
  if (op.options.beta != 1) return Unsupported("beta is ", op.options.beta, ", expected 1");
  return Unary(op);
}

Status Importer::Cast(const OperatorInfo& op) {
  TERSOR_RETURN_IF_ERROR(CheckCounts(op, 1, 1));
  TERSOR_ASSIGN_OR_RETURN(const ValueId input, Operand(op, 0, Uint8::kKeep));
  return Finish(op, OpKind::kCast, {input},
                Attributes().Set(Attr::dtype, tensor(op.outputs[0]).dtype));
}

Status Importer::Quantize(const OperatorInfo& op) {
  TERSOR_RETURN_IF_ERROR(CheckCounts(op, 1, 1));
  TERSOR_ASSIGN_OR_RETURN(const ValueId input, Operand(op, 0, Uint8::kKeep));
  TERSOR_ASSIGN_OR_RETURN(const ValueId value,
                          Add(OpKind::kQuantize, {input}, {}, HintFor(op, Uint8::kKeep)));
  return Define(op, value);
}

Status Importer::Dequantize(const OperatorInfo& op) {
  TERSOR_RETURN_IF_ERROR(CheckCounts(op, 1, 1));
  if (op.inputs[0] < 0) return DataLoss("operand 0 is absent");
  const TensorInfo& source = tensor(op.inputs[0]);
  const bool half = source.dtype == DType::kF16;
  if (source.constant && (half || source.quantization)) {
    // Made where it is read: a layer may want the constant in its own layout.
    dequantized_[op.outputs[0]] = op.inputs[0];
    if (tensor(op.outputs[0]).dtype != DType::kF32) return Unsupported("its result is not f32");
    return Define(op, ir::kNoValue);
  }
  TERSOR_ASSIGN_OR_RETURN(const ValueId input, Operand(op, 0, Uint8::kKeep));
  if (half) {
    return Finish(op, OpKind::kCast, {input}, Attributes().Set(Attr::dtype, DType::kF32));
  }
  return Finish(op, OpKind::kDequantize, {input}, {});
}

}  // namespace tersor::formats::tflite
