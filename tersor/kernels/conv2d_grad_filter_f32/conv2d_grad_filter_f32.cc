#include "tersor/kernels/conv2d_grad_filter_f32/conv2d_grad_filter_f32.h"

#include "tersor/kernels/conv2d_grad_filter_f32/makers.h"

namespace tersor::kernels::conv2d_grad_filter_f32 {

std::span<const KernelRow> Rows() {
  static constexpr KernelRow kRows[] = {
#define KERNEL(name, level, maker) {"conv2d_grad_filter_f32", #name, CpuLevel::level, maker},
#include "tersor/kernels/conv2d_grad_filter_f32/kernels.inc"
#undef KERNEL
  };
  return kRows;
}

std::optional<Geometry> ForwardGeometry(const KernelSpec& spec) {
  if (!conv2d_f32::HasOperand(spec, kInput) || !conv2d_f32::HasOperand(spec, kGradient) ||
      spec.results.empty() || !spec.epilogue.empty()) {
    return std::nullopt;
  }
  const auto geometry = conv2d_f32::GeometryOf(*spec.operands[kInput].type, spec.results[0],
                                               *spec.operands[kGradient].type, *spec.attributes);
  if (geometry.has_value() && conv2d_f32::HasOperand(spec, kPaddingValue)) {
    const TensorType& type = *spec.operands[kPaddingValue].type;
    if (type.dtype != DType::kF32 || type.shape.num_elements() != geometry->in_channels) {
      return std::nullopt;
    }
  }
  return geometry;
}

}  // namespace tersor::kernels::conv2d_grad_filter_f32
