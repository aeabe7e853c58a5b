#include "tersor/kernels/conv2d_f32/conv2d_f32.h"

#include "tersor/kernels/conv2d_f32/makers.h"

namespace tersor::kernels::conv2d_f32 {

namespace {

using Makers = Ways<ParseSpec>;

constexpr KernelRow kRows[] = {
#define KERNEL(name, level, maker) {"conv2d_f32", #name, CpuLevel::level, maker},
#include "tersor/kernels/conv2d_f32/kernels.inc"
#undef KERNEL
};

}  // namespace

std::span<const KernelRow> Rows() { return kRows; }

std::optional<Convolution> ParseSpec(const KernelSpec& spec) {
  if (!HasOperand(spec, kInput) || !HasOperand(spec, kFilter) || spec.results.empty()) {
    return std::nullopt;
  }
  auto geometry = GeometryOf(*spec.operands[kInput].type, *spec.operands[kFilter].type,
                             spec.results[0], *spec.attributes);
  if (!geometry.has_value()) return std::nullopt;
  auto epilogue = StagePlan::Make(spec, kBias);
  if (!epilogue.has_value()) return std::nullopt;
  Convolution parsed{.geometry = *geometry,
                     .epilogue = std::move(*epilogue),
                     .filter = spec.operands[kFilter].as<float>()};
  if (HasOperand(spec, kPaddingValue)) {
    const ConstTensorView& padding = spec.operands[kPaddingValue];
    if (padding.dtype() != DType::kF32 || padding.shape().num_elements() != geometry->in_channels) {
      return std::nullopt;
    }
    parsed.has_padding_value = true;
    parsed.padding_value = padding.as<float>();
  }
  return parsed;
}

}  // namespace tersor::kernels::conv2d_f32
