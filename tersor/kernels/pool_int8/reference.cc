#include "tersor/kernels/kernel_rows.h"
#include "tersor/kernels/pool_int8/pool_int8.h"

namespace tersor::kernels::pool_int8 {

#define KERNEL(op, name, level, maker) std::unique_ptr<Kernel> maker(const KernelSpec& spec);
#include "tersor/kernels/pool_int8/kernels.inc"
#undef KERNEL

namespace {

constexpr KernelRow kRows[] = {
#define KERNEL(op, name, level, maker) {"pool_int8/" #op, #name, CpuLevel::level, maker},
#include "tersor/kernels/pool_int8/kernels.inc"
#undef KERNEL
};

bool Read(const KernelSpec& spec, PoolCase& p) {
  const TensorType &input = *spec.operands[0].type, &output = spec.results[0];
  if (!spec.epilogue.empty() || input.dtype != output.dtype) return false;
  if (input.dtype != DType::kI8 && input.dtype != DType::kU8) return false;
  if (!IsPerTensor(input) || !IsPerTensor(output)) return false;
  p.is_signed = input.dtype == DType::kI8;
  p.range = ActivationRange(output, spec.attributes->ActivationOf());
  p.scale_in = ScaleOf(input);
  p.scale_out = ScaleOf(output);
  p.zero_in = ZeroPointOf(input);
  p.zero_out = ZeroPointOf(output);
  return PoolGeometry::Read(input.shape, output.shape, *spec.attributes, p.geometry);
}

/// T: the element type. kMax: the largest cell, else the mean.
template <typename T, bool kMax>
class ReferenceKernel : public Kernel {
 public:
  explicit ReferenceKernel(const PoolCase& p) : p_(p) {}

  void Run(const KernelCall& call) const override {
    const auto* input = call.operands[0].as<T>();
    auto* output = call.results[0].as<T>();
    const PoolGeometry& g = p_.geometry;
    for (int64_t n = 0; n < g.batch; ++n) {
      for (int64_t y = 0; y < g.output_height; ++y) {
        for (int64_t x = 0; x < g.output_width; ++x) {
          for (int64_t c = 0; c < g.channels; ++c) {
            *output++ = Window(input + n * g.height * g.width * g.channels + c, g.RowRange(y),
                               g.ColumnRange(x));
          }
        }
      }
    }
  }

 private:
  T Window(const T* image, std::pair<int64_t, int64_t> rows,
           std::pair<int64_t, int64_t> columns) const {
    const PoolGeometry& g = p_.geometry;
    const int32_t zero = p_.KeepsScale() ? 0 : p_.zero_in;
    int32_t sum = 0, largest = INT32_MIN;
    for (int64_t h = rows.first; h < rows.second; ++h) {
      for (int64_t w = columns.first; w < columns.second; ++w) {
        const int32_t q = image[(h * g.width + w) * g.channels];
        sum += q - zero;
        largest = std::max(largest, q);
      }
    }
    if constexpr (kMax) return static_cast<T>(std::clamp(largest, p_.range.lo, p_.range.hi));
    const int64_t covered = (rows.second - rows.first) * (columns.second - columns.first);
    if (p_.KeepsScale()) {
      return static_cast<T>(std::clamp(MeanHalfAway(sum, covered), p_.range.lo, p_.range.hi));
    }
    return static_cast<T>(Requantize(sum, p_.Multiplier(covered), p_.zero_out, p_.range));
  }

  PoolCase p_;
};

template <bool kMax>
std::unique_ptr<Kernel> Make(const PoolCase& p) {
  if (p.is_signed) return std::make_unique<ReferenceKernel<int8_t, kMax>>(p);
  return std::make_unique<ReferenceKernel<uint8_t, kMax>>(p);
}

}  // namespace

std::span<const KernelRow> MaxPool2dRows() { return RowsOf(kRows, "pool_int8/MaxPool2d"); }
std::span<const KernelRow> AvgPool2dRows() { return RowsOf(kRows, "pool_int8/AvgPool2d"); }

bool ReadMax(const KernelSpec& spec, PoolCase& pool_case) {
  return Read(spec, pool_case) && pool_case.scale_in == pool_case.scale_out &&
         pool_case.zero_in == pool_case.zero_out;
}

bool ReadAvg(const KernelSpec& spec, PoolCase& pool_case) {
  if (!Read(spec, pool_case)) return false;
  const PoolGeometry& g = pool_case.geometry;
  constexpr int64_t kMaxArea =
      INT32_MAX / 510;  // |q - zero_in| <= 510 for any zero point of a byte
  return g.window_h <= kMaxArea && g.window_w <= kMaxArea && g.window_h * g.window_w <= kMaxArea;
}

std::unique_ptr<Kernel> MakeMaxPool2dReference(const KernelSpec& spec) {
  PoolCase pool_case;
  return ReadMax(spec, pool_case) ? Make<true>(pool_case) : nullptr;
}

std::unique_ptr<Kernel> MakeAvgPool2dReference(const KernelSpec& spec) {
  PoolCase pool_case;
  return ReadAvg(spec, pool_case) ? Make<false>(pool_case) : nullptr;
}

}  // namespace tersor::kernels::pool_int8
