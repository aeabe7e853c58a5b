#include "tersor/kernels/conv2d_f32/geometry.h"

namespace tersor::kernels::conv2d_f32 {

std::optional<Geometry> GeometryOf(const TensorType& input, const TensorType& filter,
                                   const TensorType& output, const Attributes& attributes) {
  for (const TensorType* type : {&input, &filter, &output}) {
    if (type->dtype != DType::kF32 || type->shape.rank() != 4) return std::nullopt;
    for (int64_t extent : type->shape.dims()) {
      if (extent <= 0) return std::nullopt;
    }
  }
  const auto& strides = attributes.Ints(Attr::strides);
  const auto& dilations = attributes.Ints(Attr::dilations);
  if (strides.size() != 2 || dilations.size() != 2) return std::nullopt;
  Geometry g;
  g.batch = input.shape[0];
  g.height = input.shape[1];
  g.width = input.shape[2];
  g.in_channels = input.shape[3];
  g.out_height = output.shape[1];
  g.out_width = output.shape[2];
  g.out_channels = output.shape[3];
  g.kernel_h = filter.shape[1];
  g.kernel_w = filter.shape[2];
  g.stride_h = strides[0];
  g.stride_w = strides[1];
  g.dilation_h = dilations[0];
  g.dilation_w = dilations[1];
  g.groups = attributes.Int(Attr::groups);
  const Padding padding =
      attributes.PaddingOf().Resolve(g.height, g.width, g.kernel_h, g.kernel_w, g.stride_h,
                                     g.stride_w, g.dilation_h, g.dilation_w);
  g.pad_top = padding.top;
  g.pad_left = padding.left;
  if (g.groups <= 0 || g.in_channels % g.groups != 0 || g.out_channels % g.groups != 0 ||
      filter.shape[0] != g.out_channels || filter.shape[3] != g.group_in() ||
      output.shape[0] != g.batch || g.pad_top < 0 || g.pad_left < 0) {
    return std::nullopt;
  }
  return g;
}

}  // namespace tersor::kernels::conv2d_f32
