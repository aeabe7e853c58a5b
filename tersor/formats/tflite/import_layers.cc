// Rules for operators with windows and weights.
#include "tersor/formats/tflite/importer.h"

namespace tersor::formats::tflite {

using ir::OpKind;
using ir::ValueId;

namespace {

Padding PaddingOf(const OperatorOptions& options) {
  Padding padding;
  padding.kind = options.same_padding ? Padding::Kind::kSame : Padding::Kind::kValid;
  return padding;
}

Attributes WindowAttributes(const OperatorOptions& options) {
  return Attributes()
      .Set(Attr::strides, std::vector<int64_t>{options.stride_h, options.stride_w})
      .Set(Attr::padding, PaddingOf(options));
}

Attributes ConvAttributes(const OperatorOptions& options, int64_t groups) {
  return WindowAttributes(options)
      .Set(Attr::dilations, std::vector<int64_t>{options.dilation_h, options.dilation_w})
      .Set(Attr::groups, groups);
}

}  // namespace

Status Importer::Pool(const OperatorInfo& op) {
  TERSOR_RETURN_IF_ERROR(CheckCounts(op, 1, 1));
  TERSOR_ASSIGN_OR_RETURN(const ValueId input, Operand(op, 0));
  Attributes attributes = WindowAttributes(op.options);
  attributes.Set(Attr::window, std::vector<int64_t>{op.options.window_h, op.options.window_w});
  return FinishActivated(op, InfoOf(op.op).ir_op, {input}, std::move(attributes));
}

Status Importer::Conv(const OperatorInfo& op) {
  TERSOR_RETURN_IF_ERROR(CheckCounts(op, 2, 3));
  TERSOR_ASSIGN_OR_RETURN(const ValueId input, Operand(op, 0));
  TERSOR_ASSIGN_OR_RETURN(const ValueId filter, Filter(op, 1, {}));
  TERSOR_ASSIGN_OR_RETURN(const ValueId bias, Bias(op, 2));
  const tersor::Shape& image = TypeOf(input).shape;
  const tersor::Shape& taps = TypeOf(filter).shape;
  int64_t groups = 1;
  if (image.rank() == 4 && taps.rank() == 4 && image[3] % taps[3] == 0) groups = image[3] / taps[3];
  return FinishActivated(op, OpKind::kConv2d, {input, filter, bias},
                         ConvAttributes(op.options, groups));
}

Status Importer::DepthwiseConv(const OperatorInfo& op) {
  TERSOR_RETURN_IF_ERROR(CheckCounts(op, 2, 3));
  TERSOR_ASSIGN_OR_RETURN(const ValueId input, Operand(op, 0));
  if (op.inputs[1] < 0) return DataLoss("operand 1 is absent");
  const tersor::Shape& taps = tensor(op.inputs[1]).shape;
  if (taps.rank() != 4 || taps[0] != 1) {
    return DataLoss("filter is ", taps.ToString(), ", expected [1,KH,KW,C]");
  }
  TERSOR_ASSIGN_OR_RETURN(const ValueId filter, Filter(op, 1, {3, 1, 2, 0}));
  TERSOR_ASSIGN_OR_RETURN(const ValueId bias, Bias(op, 2));
  const tersor::Shape& image = TypeOf(input).shape;
  if (image.rank() != 4) return DataLoss("input is ", image.ToString(), ", expected [N,H,W,C]");
  return FinishActivated(op, OpKind::kConv2d, {input, filter, bias},
                         ConvAttributes(op.options, image[3]));
}

Status Importer::FullyConnected(const OperatorInfo& op) {
  TERSOR_RETURN_IF_ERROR(CheckCounts(op, 2, 3));
  TERSOR_ASSIGN_OR_RETURN(ValueId input, Operand(op, 0));
  TERSOR_ASSIGN_OR_RETURN(const ValueId filter, Filter(op, 1, {}));
  TERSOR_ASSIGN_OR_RETURN(const ValueId bias, Bias(op, 2));
  const tersor::Shape taps = TypeOf(filter).shape;
  if (taps.rank() != 2) return DataLoss("filter is ", taps.ToString(), ", expected [O,I]");
  const TensorType given = TypeOf(input);
  if (given.shape.rank() == 2 && given.shape[1] == taps[1]) {
    return FinishActivated(op, OpKind::kFullyConnected, {input, filter, bias}, {});
  }

  // The operator sees any input as rows of the filter's length. Rows that are not whole images must
  // be counted, which only a fixed batch allows.
  const int64_t elements = given.shape.num_elements();
  if (elements % taps[1] != 0 || (given.shape.HasBatch() && elements != taps[1])) {
    return Unsupported("input is ", given.ToString(), ", filter ", taps.ToString());
  }
  const int64_t rows = given.shape.HasBatch() ? kBatch : elements / taps[1];
  const std::optional<TensorType> like =
      given.dtype == DType::kF32 ? std::nullopt : std::optional(given);
  TERSOR_ASSIGN_OR_RETURN(
      input, Add(OpKind::kReshape, {input},
                 Attributes().Set(Attr::shape, std::vector<int64_t>{rows, taps[1]}), like));
  if (!op.options.keep_num_dims || given.shape.rank() == 2) {
    return FinishActivated(op, OpKind::kFullyConnected, {input, filter, bias}, {});
  }

  if (op.options.activation == FusedActivation::kReluN1To1) {
    return Unsupported("fused activation relu_n1_to_1 with keep_num_dims");
  }
  Attributes attributes;
  attributes.Set(Attr::activation, ToActivation(op.options.activation));
  TERSOR_ASSIGN_OR_RETURN(const ValueId product, Add(OpKind::kFullyConnected, {input, filter, bias},
                                                     std::move(attributes), HintFor(op)));
  std::vector<int64_t> dims = given.shape.dims();
  if (dims.empty()) return DataLoss("input is a scalar");
  dims.back() = taps[0];
  return Finish(op, OpKind::kReshape, {product}, Attributes().Set(Attr::shape, std::move(dims)));
}

}  // namespace tersor::formats::tflite
